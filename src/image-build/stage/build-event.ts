/** What a build tells of its progress: events for programs, and the lines that the command prints for them. */

export type BuildEvent =
  /** An instruction begins; FROM is one too. */
  | { readonly kind: 'step'; readonly step: number; readonly total: number; readonly instruction: string }
  /** An instruction that the base image left for who builds upon it begins. */
  | { readonly kind: 'trigger'; readonly instruction: string }
  /** A base image comes from its registry. */
  | { readonly kind: 'pull'; readonly image: string }
  /** The instruction was carried out before: its layer is taken. */
  | { readonly kind: 'cached'; readonly id: string }
  /** The instruction has made a layer. */
  | { readonly kind: 'made'; readonly id: string }
  | { readonly kind: 'warning'; readonly message: string };

/** The digits of an id that are shown. */
const SHORT_ID = 12;

/** The line that `plyfs build` prints. */
export function buildEventLine(event: BuildEvent): string {
  switch (event.kind) {
    case 'step':
      return `Step ${event.step}/${event.total} : ${event.instruction}`;
    case 'trigger':
      return ` ---> Trigger : ${event.instruction}`;
    case 'pull':
      return ` ---> Pulling ${event.image}`;
    case 'cached':
      return ' ---> Using cache';
    case 'made':
      return ` ---> ${event.id.replace(/^sha256:/, '').slice(0, SHORT_ID)}`;
    case 'warning':
      return `warning: ${event.message}`;
  }
}
