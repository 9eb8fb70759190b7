/** Of the installed chart, as in the documentation. */
export const release = { name: 'berth', namespace: 'berth-system' };
