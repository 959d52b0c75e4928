// The address a message links to, into the alert it means.

/** The id in `#alert=12`, or null. */
export function linked(hash: string): number | null {
  const found = /^#alert=([1-9]\d{0,14})$/.exec(hash);
  return found === null ? null : Number(found[1]);
}
