/** No function is longer than a screen, but for those that are named. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { FunctionDeclaration, Node } from 'typescript/unstable/ast';
import {
  isArrowFunction,
  isCallExpression,
  isConstructorDeclaration,
  isExpressionStatement,
  isFunctionDeclaration,
  isFunctionExpression,
  isGetAccessorDeclaration,
  isMethodDeclaration,
  isSetAccessorDeclaration,
} from 'typescript/unstable/ast/is';
import {
  descendantsOf,
  firstLineOf,
  lastLineOf,
  openPage,
  openPlanted,
  openRepository,
  type ParsedFile,
  placeOf,
} from './program.ts';

const linesMax = 70;
/** Longer than that, and to be taken apart: these may shrink and not grow. */
const linesMaxOf: Readonly<Record<string, number>> = {};

interface Measured {
  readonly place: string;
  readonly lines: number;
}

/** Every function of the file with the lines from its first word to its last bracket. */
function functionsOf(file: ParsedFile): Measured[] {
  return [...descendantsOf(file.tree)].filter(isFunction).map((node) => ({
    place: placeOf(file, node),
    lines: lastLineOf(file, node) - firstLineOf(file, node) + 1,
  }));
}

function isFunction(node: Node): boolean {
  return (
    (isFunctionDeclaration(node) && !isSuite(node)) ||
    isFunctionExpression(node) ||
    isMethodDeclaration(node) ||
    isConstructorDeclaration(node) ||
    isGetAccessorDeclaration(node) ||
    isSetAccessorDeclaration(node) ||
    (isArrowFunction(node) && !isTestBody(node))
  );
}

/** A contract: a function that does nothing but describe what each of its kind must do. */
function isSuite({ body }: FunctionDeclaration): boolean {
  return (
    body?.statements.some(
      (statement) =>
        isExpressionStatement(statement) &&
        isCallExpression(statement.expression) &&
        /^(describe|test|suite)$/.test(statement.expression.expression.getText()),
    ) ?? false
  );
}

/** What `describe` and `test` are given is a chapter, not a function. */
function isTestBody(node: Node): boolean {
  const call = node.parent;
  return isCallExpression(call) && /^(describe|test|suite)(\.|$)/.test(call.expression.getText());
}

describe('functions', () => {
  const repository = openRepository();
  const page = openPage();
  after(() => {
    repository.close();
    page.close();
  });
  const functions = [...repository.files, ...page.files].flatMap(functionsOf);

  test(`have at most ${linesMax} lines, but for those that are named`, () => {
    assert.ok(functions.length > 4000, 'functions are no longer recognised');
    assert.deepEqual(
      functions.filter(({ place, lines }) => lines > (linesMaxOf[place] ?? linesMax)),
      [],
      'take out the part that has a meaning of its own and a name that says it',
    );
    assert.deepEqual(
      Object.keys(linesMaxOf).filter(
        (named) => !functions.some(({ place, lines }) => place === named && lines > linesMax),
      ),
      [],
      'it is short enough now: take its row out of linesMaxOf',
    );
  });

  test('of every form are measured', () => {
    const body = '\n'.repeat(linesMax);
    const planted = openPlanted({
      'a.ts': `function f() {${body}}`,
      'b.ts': `export const g = async () => {${body}};`,
      'c.ts': `class C { constructor() {${body}} get x() {${body}} #m() {${body}} n = () => {${body}}; }`,
      'd.ts': `declare const f: (x: unknown) => void; f(function () {${body}}); f({ h() {${body}} });`,
      'e.ts': `declare const test: any; test('long', () => {${body}}); test.each('x', () => {${body}});`,
      'contract.ts': `declare const test: any; function contract() { test('a', () => {${body}}); }`,
      'f.ts': `/**\n * Why.\n */\nfunction f() {${body.slice(1)}}`,
    });
    const long = planted.files.flatMap(functionsOf).filter(({ lines }) => lines > linesMax);
    planted.close();
    assert.deepEqual(
      long.map(({ place }) => place),
      [
        ...['a.ts f', 'b.ts g', 'c.ts C.constructor', 'c.ts C.x', 'c.ts C.#m', 'c.ts C.n'],
        ...['d.ts', 'd.ts h'],
      ],
    );
  });
});
