/**
 * Names are bytes. A name is a latin1 string: one char a byte, never decoded, so that any name a disk can hold passes
 * through unchanged. Text for people is made with `displayName()` alone.
 */

export type Name = string;

/** A name from text, as UTF-8 bytes. */
export function nameFromText(text: string): Name {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The text that a terminal would show for the name. */
export function displayName(name: Name): string {
  return Buffer.from(name, 'latin1').toString('utf8');
}
