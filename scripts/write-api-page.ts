/**
 * The API of the library as a page for the package, from the doc comments of what src/index.ts exports. An export without one, a link to
 * nothing and a type that is named but not exported fail it.
 */

import { join } from 'node:path';
import { Application, type TypeDocOptions } from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import { repository } from './repository.js';

const OPTIONS: Partial<TypeDocOptions & PluginOptions> = {
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: [join(repository, 'src/index.ts')],
  tsconfig: join(repository, 'tsconfig.json'),
  name: 'plyfs: the API of the library',
  readme: 'none',
  logLevel: 'Warn',
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  requiredToBeDocumented: ['Function', 'Interface', 'Class', 'TypeAlias', 'Variable', 'CallSignature'],
  // tsc and the gates have checked it.
  skipErrorChecking: true,
  disableSources: true,
  excludeExternals: true,
  excludePrivate: true,
  outputFileStrategy: 'modules',
  entryFileName: 'api.md',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  useCodeBlocks: true,
};

/** Writes `directory`/api.md. @throws Error when something is missing, which standard error then names. */
export async function writeApiPage(directory: string): Promise<void> {
  const options = { ...OPTIONS, outputs: [{ name: 'markdown', path: directory }] };
  const application = await Application.bootstrapWithPlugins(options);
  const project = await application.convert();
  if (project === undefined) throw new Error('typedoc cannot read src/index.ts');
  application.validate(project);
  if (application.logger.hasErrors() || application.logger.hasWarnings())
    throw new Error('the API page is not whole: the lines above say what is missing');
  await application.generateOutputs(project);
}
