/**
 * How a registry is reached: by https, or by plain http where that is allowed; and what is said when it is not.
 */

import { codeOf, hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { drain, HttpClient } from './http.js';
import { ProxyRefusal } from './tunnel.js';

/** Nobody speaks TLS there: what a handshake says of that, or nobody is there at all. */
const PLAIN_HTTP = new Set(['ECONNREFUSED', 'ECONNRESET', 'ERR_SSL_WRONG_VERSION_NUMBER']);

/** https, or http where that is allowed and the other is not spoken. */
export async function findBase(host: string, { mayBePlain }: { readonly mayBePlain: boolean }): Promise<URL> {
  const secure = new URL(`https://${host}/v2/`);
  if (!mayBePlain) return secure;
  // Whom to trust is asked when it matters: to read all authorities takes longer than the whole of a small pull.
  using probe = new HttpClient({ verify: false });
  try {
    await drain(await probe.send({ method: 'GET', url: secure }));
  } catch (error) {
    // Many a proxy connects to port 443 alone.
    if (isPlainHttp(error) || error instanceof ProxyRefusal) return new URL(`http://${host}/v2/`);
  }
  return secure;
}

export function isLoopback(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
  return (
    name === 'localhost' || name.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$/.test(name) || name === '::1'
  );
}

/** What people call the faults of a network. */
const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no host of this name is known',
  EAI_AGAIN: 'host names cannot be looked up now',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was broken off',
  EPIPE: 'the connection was broken off',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to its network',
};

const UNREACHABLE = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
const NO_NETWORK =
  "without it: 'plyfs import ROOT.tar NAME' makes an image of a root tar, 'plyfs load -i FILE' takes an archive, HOST/NAME is another registry's";

/**
 * Runs `work`; a fault of the network becomes one line for the user.
 * @throws UserError
 */
export async function reaching<T>(host: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof UserError || code === undefined) throw error;
    const isPlain = isPlainHttp(error) && !/^ECONN/.test(code);
    const hint = isPlain
      ? 'use --insecure for plain http'
      : /^(ERR_SSL|ERR_TLS|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|EPROTO)/.test(code)
        ? `put its authority's certificate into /etc/docker/certs.d/${host}/ca.crt, or use --insecure`
        : UNREACHABLE.has(code)
          ? NO_NETWORK
          : undefined;
    const why = isPlain ? 'it does not speak https' : (WORDS[code] ?? ((error as Error).message || code));
    throw new UserError(`cannot reach the registry '${host}': ${why}`, { hint, cause: error });
  }
}

function isPlainHttp(error: unknown): boolean {
  if (PLAIN_HTTP.has(codeOf(error) ?? '')) return true;
  // OpenSSL's own words: Node has one code for all that is no TLS.
  return hasCode(error, 'EPROTO') && (error as Error).message.includes('wrong version number');
}
