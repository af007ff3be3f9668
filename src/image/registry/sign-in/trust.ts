/**
 * Which certificates a registry may show, and which one of ours it is shown: the system's authorities (Node's own list
 * where there is none), those of NODE_EXTRA_CA_CERTS, and `certs.d/HOST[:PORT]/` of Docker and containers-certs.d(5): `*.crt` are authorities, `NAME.cert` with
 * `NAME.key` is the client's.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls';
import { reasonOf } from '../../../errno/reason.js';
import { UserError } from '../../../errno/user-error.js';
import { isMissing } from '../../../store/atomic-file.js';

/** Where distributions keep one file of all authorities. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** @throws UserError for a file that cannot be read or is no certificate. */
export function trustedContext(host: string, env: NodeJS.ProcessEnv = process.env): SecureContext {
  const files = certificateFiles(host, env);
  try {
    return createSecureContext(optionsOf(files, env));
  } catch (error) {
    throw new UserError(`cannot use the certificates for '${host}': ${reasonOf(error)}`, {
      hint:
        files.length === 0
          ? undefined
          : `they are in ${[...new Set(files.map(({ folder }) => folder))].join(', ')}`,
      cause: error,
    });
  }
}

interface CertificateFile {
  readonly folder: string;
  readonly name: string;
}

function certificateFiles(host: string, env: NodeJS.ProcessEnv): CertificateFile[] {
  const home = env.HOME ?? homedir();
  const places = [
    '/etc/docker/certs.d',
    '/etc/containers/certs.d',
    join(home, '.config/docker/certs.d'),
    join(home, '.config/containers/certs.d'),
  ];
  return places
    .map((place) => join(place, host))
    .flatMap((folder) => namesIn(folder).map((name) => ({ folder, name })));
}

function optionsOf(files: readonly CertificateFile[], env: NodeJS.ProcessEnv): SecureContextOptions {
  const read = ({ folder, name }: CertificateFile): string => readFileSync(join(folder, name), 'utf8');
  const bundle = env.SSL_CERT_FILE ?? SYSTEM_BUNDLES.find((path) => existsSync(path));
  const clients = files.filter(({ name }) => name.endsWith('.cert'));
  return {
    ca: [
      ...(bundle === undefined ? rootCertificates : [readFileSync(bundle, 'utf8')]),
      ...(env.NODE_EXTRA_CA_CERTS === undefined ? [] : [readFileSync(env.NODE_EXTRA_CA_CERTS, 'utf8')]),
      ...files.filter(({ name }) => name.endsWith('.crt')).map(read),
    ],
    ...(clients.length === 0
      ? {}
      : {
          cert: clients.map(read),
          key: clients.map(({ folder, name }) => read({ folder, name: name.replace(/cert$/, 'key') })),
        }),
  };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw new UserError(`cannot read '${folder}': ${reasonOf(error)}`, { cause: error });
  }
}
