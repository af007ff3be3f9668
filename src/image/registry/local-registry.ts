/**
 * Addresses that only this host or its link has: what a public registry leads to is none of them, or it would have us ask
 * services that trust callers on the same host or link (a metadata service, a database on loopback).
 */

import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { UserError } from '../../errno/user-error.js';

const LOCAL_ADDRESSES = new BlockList();
LOCAL_ADDRESSES.addSubnet('127.0.0.0', 8);
LOCAL_ADDRESSES.addSubnet('0.0.0.0', 8);
LOCAL_ADDRESSES.addSubnet('169.254.0.0', 16);
LOCAL_ADDRESSES.addAddress('::1', 'ipv6');
LOCAL_ADDRESSES.addAddress('::', 'ipv6');
LOCAL_ADDRESSES.addSubnet('fe80::', 10, 'ipv6');
// The same inside other IPv6 addresses: IPv4-compatible, translated (RFC 6052, 7915), 6to4.
for (const prefix of ['::', '64:ff9b::', '::ffff:0:']) {
  LOCAL_ADDRESSES.addSubnet(`${prefix}7f00:0`, 104, 'ipv6');
  LOCAL_ADDRESSES.addSubnet(`${prefix}a9fe:0`, 112, 'ipv6');
}
LOCAL_ADDRESSES.addSubnet('2002:7f00::', 24, 'ipv6');
LOCAL_ADDRESSES.addSubnet('2002:a9fe::', 32, 'ipv6');
// Metadata services of clouds that are not link-local: AWS, Alibaba, Azure.
LOCAL_ADDRESSES.addAddress('fd00:ec2::254', 'ipv6');
LOCAL_ADDRESSES.addAddress('100.100.100.200');
LOCAL_ADDRESSES.addAddress('168.63.129.16');

/** Loopback, link-local, unspecified, or a cloud's metadata service; IPv4 inside IPv6 too. */
export function isLocalAddress(address: string): boolean {
  const plain = address.replace(/%.*$/, '');
  const family = isIP(plain);
  return family !== 0 && LOCAL_ADDRESSES.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether a URL's host is a local address that is written out. */
export function isLocalUrl({ hostname }: URL): boolean {
  return isLocalAddress(hostname.replace(/^\[|\]$/g, ''));
}

/** @throws UserError for an address that is written out, which nobody looks up. */
export function refuseLocal({ hostname }: URL): void {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isLocalAddress(host)) throw localAddressError(host, host);
}

/** As dns.lookup(), for net.connect(): a name whose addresses are near is refused. */
export const lookupPublic: LookupFunction = (name, options, done) => {
  lookup(name, options, (error, address, family) => {
    if (error !== null) return done(error, address, family);
    const found: LookupAddress[] = typeof address === 'string' ? [{ address, family: family ?? 0 }] : address;
    const near = found.find((one) => isLocalAddress(one.address));
    if (near !== undefined) return done(localAddressError(name, near.address), address, family);
    return done(null, address, family);
  });
};

function localAddressError(name: string, address: string): UserError {
  return new UserError(
    `the registry leads to '${name}' (${address}), an address of this host or its link, which is not safe`,
    { hint: 'use --insecure if that is right' },
  );
}
