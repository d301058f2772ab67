import path from 'node:path';
import type { RuleTester } from 'oxlint/plugins-dev';
import { refusalOf } from './import-rules.ts';

type Rule = Parameters<RuleTester['run']>[1];

interface Kinds {
  readonly importKind?: string;
  readonly exportKind?: string;
}

function isType({ importKind, exportKind }: Kinds): boolean {
  return (importKind ?? exportKind) === 'type';
}

/** Whether all that a declaration names are types. */
function namesTypesAlone(node: Kinds & { readonly specifiers?: readonly object[] }): boolean {
  const specifiers: readonly Kinds[] = node.specifiers ?? [];
  return isType(node) || (specifiers.length > 0 && specifiers.every(isType));
}

const importTable: Rule = {
  create(context) {
    const file = path.relative(context.cwd, context.filename).replaceAll(path.sep, '/');
    const check = (
      source: { readonly value: string } & Parameters<typeof context.report>[0]['node'],
      isTypeImport: boolean,
    ) => {
      const message = refusalOf(file, source.value, isTypeImport);
      if (message !== null) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: (node) => check(node.source, namesTypesAlone(node)),
      ExportAllDeclaration: (node) => check(node.source, namesTypesAlone(node)),
      ExportNamedDeclaration: (node) => {
        if (node.source !== null) check(node.source, namesTypesAlone(node));
      },
      TSImportType: (node) => check(node.source, true),
      ImportExpression: ({ source }) => {
        if (source.type === 'Literal' && typeof source.value === 'string') check(source, false);
      },
    };
  },
};

/** Finds the clock where `no-restricted-properties` cannot: in `new Date()` and in `Date()`. */
const noCurrentTime: Rule = {
  create(context) {
    const message = 'The time is a parameter here: a core reads no clock.';
    return {
      'NewExpression[callee.name="Date"][arguments.length=0]': (node) => context.report({ node, message }),
      'CallExpression[callee.name="Date"]': (node) => context.report({ node, message }),
    };
  },
};

/** What makes elements of text. (`no-eval` and `no-implied-eval` refuse what makes code of it.) */
const MAKERS = new Set([
  'innerHTML',
  'outerHTML',
  'dangerouslySetInnerHTML',
  'insertAdjacentHTML',
  'createContextualFragment',
  'srcdoc',
  'srcDoc',
  'setHTMLUnsafe',
  'parseHTMLUnsafe',
  'DOMParser',
]);

/** In a page that shows what agents wrote, text stays text. Trusted Types in its CSP hold the same, in browsers that know them. */
const textIsText: Rule = {
  create(context) {
    const check = (node: NonNullable<Parameters<typeof context.report>[0]['node']>, name: unknown) => {
      if (typeof name === 'string' && MAKERS.has(name))
        context.report({ node, message: `${name} makes elements of text: show text by console/safe/.` });
    };
    return {
      JSXIdentifier: (node) => check(node, node.name),
      Identifier: (node) => check(node, node.name),
      Literal: (node) => check(node, node.value),
      'CallExpression[callee.property.name=/^write(ln)?$/][callee.object.name="document"]': (node) =>
        context.report({ node, message: 'document.write makes elements of text.' }),
    };
  },
};

const plugin = {
  meta: { name: 'rooms' },
  rules: { 'import-table': importTable, 'no-current-time': noCurrentTime, 'text-is-text': textIsText },
};

export default plugin;
