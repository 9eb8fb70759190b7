// The plain manifests: what the chart gives, without what belongs to Helm alone.
import { resolve } from 'node:path';
import { execa } from 'execa';
import { type Document, isMap, parseAllDocuments } from 'yaml';
import { goTool } from '../../test/setup/go-tools.ts';

const chart = resolve(import.meta.dirname, '../../deploy/chart');
export const manifestFile = resolve(import.meta.dirname, '../../deploy/kubernetes/berth.yaml');

/** Nodes older than 1.30 need the chart, which then writes the AppArmor profile as an annotation. */
const kubernetesVersion = '1.36.0';

const header = `# Rendered from deploy/chart by \`npm run manifests\`: edit the chart and config.yaml, not this file.
# For Kubernetes 1.30 or newer.
`;

/** The manifests' text. Needs Helm 4 (see ensureGoTool). */
export async function renderManifests(): Promise<string> {
  const { stdout } = await execa(goTool('helm 4'), [
    ...['template', 'berth', chart, '--namespace', 'berth-system', '--kube-version', kubernetesVersion],
    // Any will do: the config is a file of its own here.
    ...['--set', 'nfs.server=nas.example.com', '--set', 'nfs.path=/export/k8s'],
  ]);
  const objects = parseAllDocuments(stdout) as Document[];
  // Kustomize makes the ConfigMap of deploy/kubernetes/config.yaml.
  const kept = objects.filter((object) => object.get('kind') !== 'ConfigMap');
  for (const object of kept) withoutHelm(object);
  return header + kept.map(textOf).join('');
}

function textOf(object: Document): string {
  return object.toString({ lineWidth: 0, flowCollectionPadding: false, directives: true });
}

function withoutHelm(object: Document): void {
  object.commentBefore = commentOf(object.commentBefore);
  if (isMap(object.contents)) object.contents.commentBefore = commentOf(object.contents.commentBefore);
  for (const label of ['app.kubernetes.io/managed-by', 'helm.sh/chart']) {
    object.deleteIn(['metadata', 'labels', label]);
  }
  const template = ['spec', 'template', 'metadata'];
  if (object.hasIn([...template, 'annotations', 'checksum/config'])) {
    object.deleteIn([...template, 'annotations']);
  }
}

/** Without the line that names the template. */
function commentOf(comment: string | null | undefined): string | null {
  const lines = (comment ?? '').split('\n').filter((line) => line !== '' && !line.startsWith(' Source: '));
  return lines.length > 0 ? lines.join('\n') : null;
}
