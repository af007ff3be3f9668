/**
 * Makes what a mount's sources lack and the user asked to be made: volumes at first use, bind sources with
 * `bind-create-src`; and takes it away again when the mount does not come about.
 */

import { mkdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Name } from '../vfs/name.js';
import type { MountConfig, ResolvedMount } from './mount-config.js';
import { quote, reasonOf, refusal } from './refusal.js';
import { ensureVolume } from './volume-directory.js';

/** What was made, newest last. */
export type MadeSources = { readonly path: string; readonly isFile: boolean }[];

/**
 * @param made gets what is made, also when this throws.
 * @throws UserError when one cannot be made.
 */
export function prepareSources(config: MountConfig, made: MadeSources): void {
  for (const mount of config.mounts) {
    // Far storage is touched by its own thread alone.
    if (mount.far === undefined) prepareSource(mount, config.mountpoint, made);
  }
}

/** The same for one mount. */
export function prepareSource(
  { request, hostPath }: ResolvedMount,
  mountpoint: Name,
  made: MadeSources,
): void {
  if (hostPath === undefined) return;
  if (request.type === 'volume' && ensureVolume(hostPath, request)) noteVolume(hostPath, made);
  if (request.type === 'bind' && request.createSource) makeBindSource({ mountpoint }, hostPath, made);
}

/** What somebody has put something into meanwhile stays. */
export function removeMade(made: MadeSources): void {
  for (const { path, isFile } of made.toReversed()) {
    try {
      if (isFile) unlinkSync(path);
      else rmdirSync(path);
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? ''))
        throw error;
    }
  }
}

function noteVolume(hostPath: Name, made: MadeSources): void {
  const data = Buffer.from(hostPath, 'latin1').toString('utf8');
  const home = dirname(data);
  made.push({ path: home, isFile: false }, { path: `${home}/volume.json`, isFile: true });
  made.push({ path: data, isFile: false });
}

function makeBindSource(config: Pick<MountConfig, 'mountpoint'>, hostPath: Name, made: MadeSources): void {
  const path = Buffer.from(hostPath, 'latin1').toString('utf8');
  try {
    const first = mkdirSync(path, { recursive: true });
    if (first === undefined) return;
    const chain = [path];
    while (chain[0] !== first && chain[0] !== '/') chain.unshift(dirname(chain[0]!));
    made.push(...chain.map((one) => ({ path: one, isFile: false })));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw refusal(config, `bind source ${quote(hostPath)} cannot be made: ${reasonOf(error)}`);
  }
}
