// Kubernetes and its sidecars, unmodified, built from their Go modules.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { execa } from 'execa';

const binDir = resolve(import.meta.dirname, '../../../.cache/kubernetes/bin');

interface GoModule {
  readonly path: string;
  readonly version: string;
  /** Version of the modules that this one replaces by folders of its own repository. */
  readonly staging?: string;
  /** Folders of the module with a main package each; the program is called as the folder. */
  readonly programs: readonly string[];
}

export const kubernetesVersion = 'v1.36.3';
const kubernetes = { path: 'k8s.io/kubernetes', version: kubernetesVersion, staging: 'v0.36.3' };

const clusterModules: readonly GoModule[] = [
  {
    ...kubernetes,
    programs: [
      'kube-apiserver',
      'kube-controller-manager',
      'kube-scheduler',
      'kubelet',
      'kube-proxy',
      'kubectl',
    ].map((name) => `cmd/${name}`),
  },
  {
    // Debian's 1.6 is too old for this kubelet.
    path: 'github.com/containerd/containerd/v2',
    version: 'v2.4.2',
    programs: ['cmd/containerd', 'cmd/containerd-shim-runc-v2', 'cmd/ctr'],
  },
  // v6.4.0 requires a version of a library that the module proxy does not have.
  {
    path: 'github.com/kubernetes-csi/external-provisioner/v6',
    version: 'v6.3.0',
    programs: ['cmd/csi-provisioner'],
  },
  {
    path: 'github.com/kubernetes-csi/external-attacher/v4',
    version: 'v4.13.0',
    programs: ['cmd/csi-attacher'],
  },
  { path: 'github.com/kubernetes-csi/external-resizer/v2', version: 'v2.3.0', programs: ['cmd/csi-resizer'] },
];

const snapshots = {
  path: 'github.com/kubernetes-csi/external-snapshotter/v8',
  version: 'v8.7.0',
  staging: 'v8.7.0',
  programs: ['cmd/csi-snapshotter', 'cmd/snapshot-controller'],
};
/** Has the CRDs of snapshots, as files. */
const snapshotClient = 'github.com/kubernetes-csi/external-snapshotter/client/v8@v8.7.0';

/** etcd's main package cannot be built from its module; its server is a library all the same. */
const etcd = { path: 'go.etcd.io/etcd/server/v3', version: 'v3.7.3', programs: ['etcd'] };
/** The suite itself is built as a test; see suiteProgram. */
const suite = { ...kubernetes, programs: ['test/images/agnhost'] };
/** A controller of the suite's that fills volumes. It asks for v1.0.1, which the module proxy does not have. */
const populator = {
  path: 'github.com/kubernetes-csi/lib-volume-populator',
  version: 'v1.1.0',
  programs: ['example/hello-populator'],
};
/** Runs the suite's specs side by side. The suite's own version of it, with which it speaks. */
const ginkgo = { path: 'github.com/onsi/ginkgo/v2', version: 'v2.28.1', programs: ['ginkgo'] };
/** ginkgo takes a program for a built suite by the end of its name. */
export const suiteProgram = join(folderOf(suite), 'e2e.test');

/** Builds what is missing of a cluster's programs into binDir. Throws with Go's output where one cannot be built. */
export async function ensureClusterPrograms(): Promise<void> {
  for (const module of clusterModules) await ensureModule(module);
  await ensureEtcd();
}

/** Builds what is missing of the programs that take snapshots. */
export function ensureSnapshotPrograms(): Promise<void> {
  return ensureModule(snapshots);
}

/** The folder with the CRDs of snapshots and of groups of them, for `kubectl apply -k`. */
export async function snapshotDefinitions(): Promise<string> {
  const downloaded = await go(tmpdir(), ['mod', 'download', '-json', snapshotClient]);
  const { Dir } = JSON.parse(downloaded) as { Dir: string };
  return join(Dir, 'config/crd');
}

/** Builds what is missing of the official end-to-end suite, of what runs it, and of the programs in its test images. */
export async function ensureSuitePrograms(): Promise<void> {
  await ensureModule(suite);
  await ensureModule(populator);
  await ensureModule(ginkgo);
  if (existsSync(suiteProgram)) return;
  console.log(`set-up: go test -c ${kubernetes.path}/test/e2e@${kubernetesVersion}`);
  await inModule({ ...suite, programs: ['test/e2e'] }, async (directory) => {
    const flags = ['-mod=mod', '-trimpath', ...ldflags(kubernetesVersion)];
    await go(directory, ['test', ...flags, '-c', '-o', suiteProgram, `${kubernetes.path}/test/e2e`]);
  });
}

/** Where a program is once it is built. */
export function program(name: string): string {
  const module = [...clusterModules, snapshots, etcd, suite, populator, ginkgo].find(({ programs }) =>
    programs.some((folder) => basename(folder) === name),
  );
  if (module === undefined) throw new Error(`no module is known for the program ${name}`);
  return join(folderOf(module), name);
}

/** A folder for each version, so that a newer one is built anew. */
function folderOf({ path, version }: GoModule): string {
  return join(binDir, `${path.replaceAll('/', '_')}@${version}`);
}

async function ensureModule(module: GoModule): Promise<void> {
  const missing = module.programs.filter((folder) => !existsSync(program(basename(folder))));
  if (missing.length === 0) return;
  console.log(`set-up: go build ${module.path}@${module.version}`);
  await inModule(module, async (directory) => {
    const flags = ['-mod=mod', '-trimpath', ...ldflags(module.version)];
    const packages = missing.map((folder) => `${module.path}/${folder}`);
    await go(directory, ['build', ...flags, '-o', `${folderOf(module)}/`, ...packages]);
  });
}

async function ensureEtcd(): Promise<void> {
  if (existsSync(program('etcd'))) return;
  console.log(`set-up: go build etcd ${etcd.version}`);
  await inDirectory(async (directory) => {
    await writeFile(
      join(directory, 'main.go'),
      'package main\n\nimport (\n\t"os"\n\n\t"go.etcd.io/etcd/server/v3/etcdmain"\n)\n\nfunc main() { etcdmain.Main(os.Args) }\n',
    );
    await writeFile(
      join(directory, 'go.mod'),
      `module etcd\n\ngo 1.26\n\nrequire ${etcd.path} ${etcd.version}\n`,
    );
    await go(directory, ['mod', 'tidy']);
    await go(directory, ['build', '-trimpath', '-ldflags=-s -w', '-o', `${folderOf(etcd)}/`, '.']);
  });
}

/** Without these kubectl cannot parse the server's version. */
function ldflags(version: string): readonly string[] {
  const minor = version.split('.')[1] ?? '';
  const values = { gitVersion: version, gitMajor: '1', gitMinor: minor };
  const set = Object.entries(values).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  );
  return [`-ldflags=-s -w ${set.join(' ')}`];
}

/**
 * Works in a small module that requires this one and has its replace lines, which `go install` refuses to follow.
 * A replacement by a folder becomes the published module.
 */
async function inModule(
  { path, version, staging = '', programs }: GoModule,
  work: (directory: string) => Promise<void>,
): Promise<void> {
  await inDirectory(async (directory) => {
    const downloaded = await go(directory, ['mod', 'download', '-json', `${path}@${version}`]);
    const { GoMod: original } = JSON.parse(downloaded) as { GoMod: string };
    const { Go: language, Replace: replaced } = JSON.parse(
      await go(directory, ['mod', 'edit', '-json', original]),
    ) as {
      Go: string;
      Replace: { Old: { Path: string }; New: { Path: string; Version?: string } }[] | null;
    };
    const lines = (replaced ?? []).map(
      ({ Old, New }) =>
        `replace ${Old.Path} => ${New.Version === undefined ? `${Old.Path} ${staging}` : `${New.Path} ${New.Version}`}`,
    );
    const tools = programs.map((folder) => `tool ${path}/${folder}`);
    await writeFile(
      join(directory, 'go.mod'),
      [`module build`, `go ${language}`, `require ${path} ${version}`, ...lines, ...tools, ''].join('\n'),
    );
    // -e: packages that only the module's own tests need may be out of reach.
    await go(directory, ['mod', 'tidy', '-e']);
    await work(directory);
  });
}

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  await mkdir(binDir, { recursive: true });
  const directory = await mkdtemp(join(tmpdir(), 'berth-go-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function go(cwd: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execa('go', args, { cwd, env: { CGO_ENABLED: '0' }, timeout: 20 * 60_000 });
  return stdout;
}
