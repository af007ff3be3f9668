/** Images from and to registries, by the functions that `plyfs image pull`, `push`, `copy`, `tags` and `inspect --remote` call. */

import { UserError } from '../errno/user-error.js';
import { noticeLines } from '../image/layer/notice-lines.js';
import { formatPlatform, hostPlatform, parsePlatform } from '../image/oci/platform.js';
import { parseReference } from '../image/oci/reference.js';
import { copyImage, openRegistry } from '../image/registry/copy-image.js';
import { inspectRemote } from '../image/registry/inspect-remote.js';
import { pullImage } from '../image/registry/pull-image.js';
import { pushImage } from '../image/registry/push.js';
import type { Store } from '../store/store.js';
import { checkedOptions, checkedText } from './checked-options.js';
import { progressCounters, type TransferProgress, type WarningOptions } from './library-options.js';

/** How a registry is spoken to. */
export interface RegistryAccess {
  /** A registry by plain HTTP, or with a certificate that nobody vouches for. */
  readonly insecure?: boolean | undefined;
}

/** How an image is pulled, pushed or copied. */
export interface ImageTransfer extends RegistryAccess, WarningOptions {
  /** As `--platform`: `linux/arm64`. A pull's default is the host's; push and copy take all that there are. */
  readonly platform?: string | undefined;
  /** Told as the bytes come or go. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/** What was sent to a registry. */
export interface SentImage {
  /** The digest of the manifest or index under the name. */
  readonly digest: string;
  readonly sentBlobs: number;
}

/** The part of StoredImages that speaks to registries. */
export interface ImageTransfers {
  /** Gets an image from a registry. @returns its id. @throws UserError */
  pull(name: string, options?: ImageTransfer): Promise<string>;
  /** Sends an image of the store to the registry that its name tells. @throws UserError */
  push(name: string, options?: ImageTransfer): Promise<SentImage>;
  /** From one registry to another, without the store. @throws UserError */
  copy(source: string, target: string, options?: ImageTransfer): Promise<SentImage>;
  /** The tags of a repository of a registry. @throws UserError */
  tags(repository: string, options?: RegistryAccess): Promise<string[]>;
  /** What a registry has under a name; nothing is unpacked. @throws UserError */
  inspectRemote(
    name: string,
    options?: RegistryAccess & { readonly platform?: string | undefined },
  ): Promise<Record<string, unknown>>;
}

const TRANSFER_KINDS = {
  platform: 'string',
  insecure: 'boolean',
  onProgress: 'function',
  onWarning: 'function',
} as const;

export function imageTransfers(store: Store): ImageTransfers {
  return {
    pull: (name, options = {}) => pull(store, name, options),
    push: async (name, options = {}) => {
      const { insecure = false, platform, onProgress, onWarning } = checked('push', name, options);
      return pushImage(store, parseReference(name), {
        insecure,
        platform: platform === undefined ? undefined : parsePlatform(platform),
        onSingle: ({ config }, why) =>
          onWarning?.(
            `only the image for ${formatPlatform(config)} is sent, since another cannot be had: ${why}`,
          ),
        ...progressCounters(onProgress),
      });
    },
    copy: async (source, target, options = {}) => {
      const { insecure = false, platform, onProgress } = checked('copy', source, options);
      checkedText('images.copy()', 'target', target);
      return copyImage(parseReference(source), parseReference(target), {
        insecure,
        platform: platform === undefined ? undefined : parsePlatform(platform),
        ...progressCounters(onProgress),
      });
    },
    tags: async (repository, options = {}) => {
      checkedText('images.tags()', 'repository', repository);
      const { insecure = false } = checkedOptions('images.tags()', options, { insecure: 'boolean' });
      const reference = parseReference(repository);
      using registry = openRegistry(reference, { insecure });
      return registry.tags(reference.path);
    },
    inspectRemote: async (name, options = {}) => {
      checkedText('images.inspectRemote()', 'name', name);
      const kinds = { insecure: 'boolean', platform: 'string' } as const;
      const { insecure = false, platform } = checkedOptions('images.inspectRemote()', options, kinds);
      const wanted = platform === undefined ? hostPlatform() : parsePlatform(platform);
      return { ...(await inspectRemote(parseReference(name), { insecure, platform: wanted })) };
    },
  };
}

function checked(called: string, name: string, options: ImageTransfer): ImageTransfer {
  checkedText(`images.${called}()`, 'name', name);
  return checkedOptions(`images.${called}()`, options, TRANSFER_KINDS);
}

async function pull(store: Store, name: string, options: ImageTransfer): Promise<string> {
  const { insecure = false, platform, onProgress, onWarning } = checked('pull', name, options);
  const wanted = platform === undefined ? hostPlatform() : parsePlatform(platform);
  const notices = new Map<string, number>();
  const { id } = await pullImage(store, parseReference(name), {
    platform: wanted,
    insecure,
    notices,
    onOtherPlatform: (own) => {
      const text = `'${name}' is for ${formatPlatform(own)}, not ${formatPlatform(wanted)}`;
      if (platform !== undefined) throw new UserError(text);
      onWarning?.(`${text}, which this host is`);
    },
    ...progressCounters(onProgress),
  });
  for (const line of noticeLines(notices)) onWarning?.(line);
  return id;
}
