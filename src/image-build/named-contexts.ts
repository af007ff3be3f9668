/** Contexts beside the one of a build, which stages and `COPY --from` name: directories, addresses, images. */

import { BuildContext, type NamedContext } from './context/context.js';
import { openContext, type Staging } from './open-context.js';

interface NamedContexts extends Disposable {
  /** By name in lower case. */
  readonly byName: ReadonlyMap<string, NamedContext>;
}

/** Each by its name: `DIRECTORY`, `ADDRESS` or `docker-image://IMAGE`. @throws UserError */
export async function openNamedContexts(
  staging: Staging,
  entries: Iterable<readonly [name: string, value: string]>,
): Promise<NamedContexts> {
  const opened: Disposable[] = [];
  const close = (): void => {
    for (const one of opened) one[Symbol.dispose]();
  };
  const byName = new Map<string, NamedContext>();
  try {
    for (const [name, value] of entries) {
      const image = /^docker-image:\/\/(.+)$/.exec(value)?.[1];
      if (image !== undefined) byName.set(name.toLowerCase(), { image });
      else {
        const context = new BuildContext((await openContext(staging, value)).directory);
        opened.push(context);
        byName.set(name.toLowerCase(), { context });
      }
    }
  } catch (error) {
    close();
    throw error;
  }
  return { byName, [Symbol.dispose]: close };
}
