// The type-aware promise rules, and what Biome has no rule for; everything else is Biome's.
import tseslint from 'typescript-eslint';

const privateOfTypeScript = {
  selector: "[accessibility='private']:not([kind='constructor'])",
  message: "write '#name': a private of TypeScript's is public at run time",
};
const errorOfNode = {
  selector: "TSQualifiedName[right.name='ErrnoException']",
  message: 'ask codeOf() or hasCode() of errno/error-code.ts',
};
const foldersOfNode = {
  selector: "CallExpression[callee.name='mkdirSync'] Property[key.name='recursive']",
  message: 'call makeDirectories() of linux/files: this one never returns below /proc',
};

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '**/*.mjs'] },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { project: 'tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      'no-restricted-syntax': ['error', privateOfTypeScript],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/only-throw-error': ['error', { allow: [{ from: 'file', name: 'Wait' }] }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/errno/**'],
    rules: { 'no-restricted-syntax': ['error', privateOfTypeScript, errorOfNode, foldersOfNode] },
  },
);
