/**
 * Addresses that only this host or its link has: what a public registry leads to is none of them, or it would have us ask
 * services that trust who is near (a metadata service, a database on loopback).
 */

import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { UserError } from '../../errno/user-error.js';

const NEAR = new BlockList();
NEAR.addSubnet('127.0.0.0', 8);
NEAR.addSubnet('0.0.0.0', 8);
NEAR.addSubnet('169.254.0.0', 16);
NEAR.addAddress('::1', 'ipv6');
NEAR.addAddress('::', 'ipv6');
NEAR.addSubnet('fe80::', 10, 'ipv6');

/** Loopback, link-local or unspecified; IPv4 inside IPv6 too. */
export function isNearAddress(address: string): boolean {
  const plain = address.replace(/%.*$/, '');
  const family = isIP(plain);
  return family !== 0 && NEAR.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** @throws UserError for an address that is written out, which nobody looks up. */
export function refuseNear({ hostname }: URL): void {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isNearAddress(host)) throw nearError(host, host);
}

/** As dns.lookup(), for net.connect(): a name whose addresses are near is refused. */
export const lookupFar: LookupFunction = (name, options, done) => {
  lookup(name, options, (error, address, family) => {
    if (error !== null) return done(error, address, family);
    const found: LookupAddress[] = typeof address === 'string' ? [{ address, family: family ?? 0 }] : address;
    const near = found.find((one) => isNearAddress(one.address));
    if (near !== undefined) return done(nearError(name, near.address), address, family);
    return done(null, address, family);
  });
};

function nearError(name: string, address: string): UserError {
  return new UserError(
    `the registry leads to '${name}' (${address}), an address of this host or its link, which is not safe`,
    { hint: 'use --insecure if that is right' },
  );
}
