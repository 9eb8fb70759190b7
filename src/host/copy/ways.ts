/**
 * How a file's bytes came to where they are. `cloned`: both share their blocks; on NFS the server does it (RFC 7862,
 * CLONE). `server`: copied without passing through this process: by the server (COPY), or within this kernel. `host`:
 * read and written.
 */
export const ways = ['cloned', 'server', 'host'] as const;
export type Way = (typeof ways)[number];
