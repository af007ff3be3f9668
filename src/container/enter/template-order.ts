/** What a template (template-main.ts) is asked for. */

/** Each copy has so many descriptors: its standard input, output and error, the channel of its request, and the command's error. */
export const COPY_FDS = 5;

/** What a copy is before it has a request. */
export interface TemplateOrder {
  /** Host pid of the process whose namespaces it joins; absent: it has new ones. */
  readonly joinPid?: number;
  /** That of the network is one of them. */
  readonly hasNetwork: boolean;
}
