/** XFS takes 1,023 bytes as a symbolic link's target, other file systems more. */
export const maxLinkBytes = 1_023;
