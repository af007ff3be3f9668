/** What a page with `--write` does to the files of a volume: a text is edited, a file is uploaded into a directory. */

import { change, upload } from './call-api.js';
import { button, element } from './element.js';
import { errorBox } from './page-view.js';
import { shownName } from './shown-text.js';

interface EditedText {
  readonly volume: string;
  readonly path: string;
  readonly text: string;
  readonly version: string;
}

/** @param done called when it was saved. */
export function textEditor({ volume, path, text, version }: EditedText, done: () => void): HTMLElement {
  const area = element('textarea', {
    attributes: { 'aria-label': `Text of ${shownName(path)}`, spellcheck: 'false', rows: '16' },
  });
  area.value = text;
  const said = element('div', { attributes: { 'aria-live': 'polite' } });
  const save = async (): Promise<void> => {
    try {
      await change('edit', { volume, path, text: area.value, version });
      done();
    } catch (error) {
      said.replaceChildren(errorBox(error));
    }
  };
  return element(
    'div',
    { class: 'editor' },
    area,
    element(
      'p',
      { class: 'bar' },
      button('Save', () => void save(), { class: 'primary' }),
      button('Cancel', done),
    ),
    said,
  );
}

/** @param directory with a slash at its end, or ''. @param done called when all are there. */
export function uploadField(volume: string, directory: string, done: () => void): HTMLElement {
  const input = element('input', {
    class: 'unseen',
    attributes: { type: 'file', multiple: '', 'aria-label': 'Upload files here' },
  });
  const said = element('span', { attributes: { 'aria-live': 'polite' } });
  input.addEventListener('change', () => void send());
  const send = async (): Promise<void> => {
    try {
      for (const file of input.files ?? []) {
        said.replaceChildren(`${shownName(file.name)} …`);
        await upload({ volume, path: `${directory}${file.name}` }, file);
      }
      done();
    } catch (error) {
      said.replaceChildren(errorBox(error));
    }
  };
  return element('p', { class: 'bar' }, element('label', { class: 'file' }, 'Upload files …', input), said);
}
