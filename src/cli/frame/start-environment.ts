/**
 * The environment as it was before the shell that starts Node (the first lines of dist/bin/main.js, scripts/bundle-programs.ts).
 *
 * NODE_EXTRA_CA_CERTS comes by another name, so that Node does not read and parse the whole file at each start, which takes 40 ms
 * for the authorities of a distribution: who speaks with a registry reads it himself (image/registry/sign-in/trust.ts). Variables whose
 * names are none to a shell (`a.b`, exported functions of bash) come together in one, since shells drop them.
 */

const CERTIFICATES = 'PLYFS_EXTRA_CA_CERTS';
/** Base64 of `NAME=VALUE`, each ended by a NUL. */
const ODD = 'PLYFS_ODD_ENVIRON';

/** Puts both back, for registries, containers and programs that this process starts. */
export function restoreEnvironment(environment: NodeJS.ProcessEnv = process.env): void {
  const { [CERTIFICATES]: file, [ODD]: odd = '' } = environment;
  delete environment[CERTIFICATES];
  delete environment[ODD];
  if (file) environment.NODE_EXTRA_CA_CERTS = file;
  if (odd === '') return;
  for (const pair of Buffer.from(odd, 'base64').toString().split('\0')) {
    const end = pair.indexOf('=');
    if (end > 0) environment[pair.slice(0, end)] = pair.slice(end + 1);
  }
}
