/**
 * Lint rules. Type-aware only where it pays (floating and misused promises in src); everything else works
 * on the syntax tree, so that a run stays short. The pure rooms may not touch a clock, entropy, the locale
 * or I/O: equal inputs must give equal outputs at every replica. test/house checks the same ban on its own.
 */
import { basename, dirname, relative, resolve, sep } from 'node:path';
import tseslint from 'typescript-eslint';

const pureRooms = 'src/{base,codec,ordering,space,policy,service}/**/*.ts';

const bannedGlobals = [
  ...[
    'Date',
    'Intl',
    'Promise',
    'Temporal',
    'WeakRef',
    'FinalizationRegistry',
    'Atomics',
    'SharedArrayBuffer',
  ],
  ...[
    'process',
    'console',
    'Buffer',
    'globalThis',
    'global',
    'require',
    'eval',
    'Function',
    'structuredClone',
  ],
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'],
  ...['queueMicrotask', 'performance', 'crypto', 'fetch', 'TextEncoder', 'TextDecoder', 'URL', 'WebAssembly'],
];

const nondeterministicMath =
  'MemberExpression[object.name="Math"]:not([property.name=/^(abs|ceil|clz32|floor|imul|max|min|round|sign|trunc)$/])';

const bannedInPureRooms = [
  [':function[async=true]', 'The pure rooms are synchronous.'],
  ['AwaitExpression', 'The pure rooms are synchronous.'],
  ['ImportExpression', 'The pure rooms load nothing at run time.'],
  ['ForInStatement', 'Nothing may rest on the order of object keys.'],
  [nondeterministicMath, 'Only the exact integer functions of Math give the same result everywhere.'],
  [
    'BinaryExpression[operator="**"]:not([left.raw="2"]):not([left.bigint]):not([right.bigint])',
    'Powers of numbers other than 2 are approximated differently by engines.',
  ],
  [
    'CallExpression[callee.property.name=/^(sort|toSorted)$/][arguments.length=0]',
    'Give a comparator: the default one orders by string.',
  ],
  [
    'MemberExpression[property.name=/^(localeCompare|normalize|toLocale[A-Z]\\w*)$/]',
    'The result depends on the locale or on the version of Unicode tables.',
  ],
  ['MemberExpression[object.name="JSON"][property.name="stringify"]', 'Canonical bytes come from codec.'],
].map(([selector, message]) => ({ selector, message }));

/** An import that leaves its room must name the other room's door. */
const noDeepImport = {
  meta: { type: 'problem', schema: [], messages: { deep: 'Import another room by its door: {{door}}.' } },
  create(context) {
    const src = resolve('src');
    const roomOf = (file) => relative(src, file).split(sep)[0];
    function check(node) {
      const specifier = node.source?.value;
      if (typeof specifier !== 'string' || !specifier.startsWith('.')) return;
      const target = resolve(dirname(context.filename), specifier);
      if (roomOf(target) === roomOf(context.filename)) return;
      const isDoor = dirname(dirname(target)) === src && basename(target) === 'index.js';
      if (!isDoor)
        context.report({ node, messageId: 'deep', data: { door: `../${roomOf(target)}/index.js` } });
    }
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check };
  },
};

const typescript = {
  languageOptions: { parser: tseslint.parser, sourceType: 'module' },
  plugins: { '@typescript-eslint': tseslint.plugin, house: { rules: { 'no-deep-import': noDeepImport } } },
};

export default [
  { ignores: ['**/node_modules', 'dist', 'src/codec/generated', '.theodora', 'coverage', 'bench-results'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts', '**/*.js', '**/*.mjs'],
    ...typescript,
    rules: {
      'no-debugger': 'error',
      'no-empty': 'error',
      'no-eval': 'error',
      'no-new-func': 'error',
      'no-self-compare': 'error',
      'no-throw-literal': 'error',
      'no-unsafe-finally': 'error',
      'no-unsafe-optional-chaining': 'error',
      'no-useless-rename': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/ban-ts-comment': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-useless-constructor': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'house/no-deep-import': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true } },
    rules: { '@typescript-eslint/no-floating-promises': 'error' },
  },
  {
    files: [pureRooms],
    rules: {
      'no-restricted-globals': ['error', ...bannedGlobals],
      'no-restricted-syntax': ['error', ...bannedInPureRooms],
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^node:', message: 'The pure rooms know no platform.' }] },
      ],
    },
  },
  {
    files: ['src/sim/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'setImmediate', 'fetch'],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Draw from a named stream of the seed.' },
      ],
    },
  },
];
