/**
 * `--pull` and `--platform` of `run` and `create`: the image is there before the container is made, or is got.
 */

import { UserError } from '../../../../errno/user-error.js';
import { findImage, type Image } from '../../../../image/catalog/image-index.js';
import type { Platform } from '../../../../image/oci/oci.js';
import {
  formatPlatform,
  hostPlatform,
  parsePlatform,
  servesPlatform,
} from '../../../../image/oci/platform.js';
import { parseReference, type Reference } from '../../../../image/oci/reference.js';
import type { Store } from '../../../../store/store.js';
import { say } from '../../../print/output.js';

interface ImageFlags {
  readonly pull?: string;
  readonly platform?: string;
}

const WHEN = ['always', 'missing', 'never'];

/** @throws UserError when it is not there, and cannot be got. */
export async function ensureImage(
  store: Store,
  name: string,
  { pull = 'missing', platform: platformText }: ImageFlags,
): Promise<void> {
  if (!WHEN.includes(pull)) {
    throw new UserError(`invalid pull option: '${pull}'`, {
      hint: "must be one of 'always', 'missing' or 'never'",
    });
  }
  const wanted = platformText === undefined ? undefined : parsePlatform(platformText);
  const known = findImage(store, name);
  const isMeant = known !== undefined && (wanted === undefined || servesPlatform(platformOf(known), wanted));
  if (pull !== 'always' && isMeant) return;
  if (pull === 'never') {
    // The code that makes the container says that there is none.
    if (known === undefined || wanted === undefined) return;
    throw new UserError(
      `image '${name}' is for ${formatPlatform(platformOf(known))}, not ${formatPlatform(wanted)}`,
    );
  }
  const reference = referenceOf(name);
  if (reference === undefined) return;
  if (known === undefined) say(`Unable to find image '${name}' locally`);
  await pullNow(store, { name, reference, platform: wanted }).catch((error: unknown) => {
    if (!(error instanceof UserError) || known !== undefined) throw error;
    throw new UserError(`no such image: '${name}', and none can be pulled: ${error.message}`, {
      hint: error.hint,
    });
  });
}

function platformOf({ config }: Image): Platform {
  const { os, architecture, variant } = config;
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** Undefined for what can only be an id. */
function referenceOf(name: string): Reference | undefined {
  if (/^(sha256:)?[0-9a-f]{12,64}$/.test(name)) return undefined;
  try {
    return parseReference(name);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

interface EnsureImageOptions {
  readonly name: string;
  readonly reference: Reference;
  readonly platform: Platform | undefined;
}

async function pullNow(store: Store, { name, reference, platform }: EnsureImageOptions): Promise<void> {
  const { pullImage } = await import('../../../../image/registry/pull-image.js');
  const { noticeLines } = await import('../../../../image/layer/notice-lines.js');
  const { byteProgress } = await import('../../../print/progress.js');
  const notices = new Map<string, number>();
  using progress = byteProgress(`pulling ${name}`);
  await pullImage(store, reference, {
    platform: platform ?? hostPlatform(),
    notices,
    skipDevices: false,
    insecure: false,
    onOtherPlatform: (own) => {
      if (platform === undefined) return;
      throw new UserError(`'${name}' is for ${formatPlatform(own)}, not ${formatPlatform(platform)}`);
    },
    onBytes: progress.add,
    onTotal: progress.total,
  });
  progress.end();
  for (const line of noticeLines(notices)) say(`${line}`);
}
