/**
 * Proxies as the environment names them: HTTP_PROXY, HTTPS_PROXY, NO_PROXY, in capitals or not.
 *
 * The rules are those of Go's golang.org/x/net/http/httpproxy, which Docker follows: loopback is never asked through a proxy;
 * NO_PROXY has names with their subdomains (`.x`: those alone), addresses, networks as CIDR, ports, `*`.
 */

import { BlockList, isIP } from 'node:net';
import { UserError } from '../../errno/user-error.js';
import { isLocalAddress } from './local-registry.js';

/** The proxy for an address; undefined: none. @throws UserError for a proxy that means nothing here. */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv = process.env): URL | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const value = variable(env, name);
  if (value === '' || isExempt(url, variable(env, 'NO_PROXY'))) return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy !== undefined && /^https?:$/.test(proxy.protocol) && proxy.hostname !== '') return proxy;
  // Its password is nobody's business.
  throw new UserError(`${name} is no proxy that can be used: '${value.replace(/\/\/[^@/]*@/, '//...@')}'`, {
    hint: 'write it as http://HOST:PORT',
  });
}

/** `Basic ...` for a proxy's user and password; undefined: it has none. */
export function proxyAuthorization({ username, password }: URL): string | undefined {
  if (username === '') return undefined;
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

function variable(env: NodeJS.ProcessEnv, name: string): string {
  return env[name] || env[name.toLowerCase()] || '';
}

function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const isLoopback = /^127\.|^::1$/.test(host) && isLocalAddress(host);
  if (host === 'localhost' || isLoopback) return true;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list.split(',').some((entry) => matches(entry.trim().toLowerCase(), host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  if (entry.includes('/')) return isInNetwork(entry, host);
  const [, name = '', wanted] =
    /^\[?(.*?)\]?(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  if (wanted !== undefined && wanted !== port) return false;
  if (isIP(name) !== 0)
    return isIP(host) === isIP(name) && isInNetwork(`${name}/${isIP(name) === 4 ? 32 : 128}`, host);
  const domain = name.replace(/^\*(?=\.)/, '');
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

function isInNetwork(text: string, host: string): boolean {
  const [, network = '', bits] = /^(.+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = isIP(network);
  if (family === 0 || isIP(host) === 0 || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}
