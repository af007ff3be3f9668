/**
 * NODE_EXTRA_CA_CERTS without what Node does with it: at each start it reads and parses the whole file, which takes 40 ms for the
 * authorities of a distribution. Who speaks with a registry reads the file itself (image/registry/sign-in/trust.ts).
 *
 * The first line of the command takes the variable away before Node begins, and keeps it under another name.
 */

const KEPT_NAME = 'PLYFS_EXTRA_CA_CERTS';

/** Puts the variable back, for registries and for programs that this process starts. */
export function restoreExtraCertificates(environment: NodeJS.ProcessEnv = process.env): void {
  const file = environment[KEPT_NAME];
  delete environment[KEPT_NAME];
  if (file) environment.NODE_EXTRA_CA_CERTS = file;
}
