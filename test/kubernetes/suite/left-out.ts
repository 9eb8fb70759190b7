/** Specs of the suite that are not run: a pattern of their names, and why. */
export const leftOut: readonly { readonly name: RegExp; readonly why: string }[] = [
  {
    name: /\[Disruptive\]/,
    why: 'restarts kubelet over SSH, and the machines of this cluster have no SSH server',
  },
];
