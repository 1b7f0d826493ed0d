/** A switch over a union names every member: who adds one is led to each place that must know it. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { CaseClause, Node, SwitchStatement } from 'typescript/unstable/ast';
import {
  isBlock,
  isCaseClause,
  isDefaultClause,
  isReturnStatement,
  isSatisfiesExpression,
  isSwitchStatement,
  isThrowStatement,
} from 'typescript/unstable/ast/is';
import { type Type, TypeFlags } from 'typescript/unstable/sync';
import { descendantsOf, openPage, openPlanted, openRepository, type Program, placeOf } from './program.ts';

/** Their `default` speaks for members that are not named, and why it may. */
const openEnded: Readonly<Record<string, string>> = {
  'src/config/problem-text.ts messageOf': 'the codes are those of zod, which words the rest itself',
};

interface Problem {
  readonly place: string;
  readonly problem: string;
}

/** What is amiss with the switches over unions in the program's files of these folders. */
function problemsOf({ files, checker }: Program, folders: RegExp): Problem[] {
  return files
    .filter(({ path }) => folders.test(path))
    .flatMap((file) =>
      [...descendantsOf(file.tree)].filter(isSwitchStatement).flatMap((node) => {
        const problem = problemOf(node, (each) => checker.getTypeAtLocation(each));
        return problem === null ? [] : [{ place: placeOf(file, node), problem }];
      }),
    );
}

function problemOf(node: SwitchStatement, typeOf: (node: Node) => Type | undefined): string | null {
  const { clauses } = node.caseBlock;
  const fallback = clauses.find(isDefaultClause);
  const members = membersOf(typeOf(node.expression));
  if (members === null) return fallback ? null : 'gives no answer to a value that it does not name';
  const cases = clauses.filter(isCaseClause);
  const named = new Set(cases.flatMap(({ expression }) => membersOf(typeOf(expression)) ?? []));
  const missing = members.filter((member) => !named.has(member));
  if (missing.length > 0) return `does not name ${missing.join(', ')}`;
  if (fallback) return isNever(fallback) ? null : 'has a default for what cannot be';
  return cases.every(leaves) ? null : 'lacks `default: x satisfies never;`';
}

/** The values that the type allows, or null where they cannot be counted. */
function membersOf(type: Type | undefined): string[] | null {
  const parts = type?.isUnionType() ? type.getTypes() : type ? [type] : [];
  const members = parts.map((part) => {
    if (part.isLiteralType()) return JSON.stringify(part.value);
    return (part.flags & (TypeFlags.Undefined | TypeFlags.Null)) !== 0 ? 'undefined or null' : null;
  });
  return members.includes(null) ? null : (members as string[]);
}

function isNever(clause: Node): boolean {
  return [...descendantsOf(clause)].some(
    (node) => isSatisfiesExpression(node) && node.type.getText() === 'never',
  );
}

/** Shares the statements of the next one, or ends with a value: then the compiler itself misses a member. */
function leaves({ statements }: CaseClause): boolean {
  let last: Node | undefined = statements.at(-1);
  while (last !== undefined && isBlock(last)) last = last.statements.at(-1);
  return (
    statements.length === 0 ||
    (last !== undefined &&
      (isThrowStatement(last) || (isReturnStatement(last) && last.expression !== undefined)))
  );
}

describe('switches', () => {
  const repository = openRepository();
  const page = openPage();
  after(() => {
    repository.close();
    page.close();
  });
  const folders = /^(src|sim|bench|scripts)\//;
  const problems = [...problemsOf(repository, folders), ...problemsOf(page, folders)];

  test('over unions name every member and end in never', () => {
    assert.deepEqual(
      problems.filter(({ place }) => !(place in openEnded)),
      [],
      'write out what it does not name; then `default: x satisfies never;`, or a value returned in every case',
    );
    assert.deepEqual(
      Object.keys(openEnded).filter((place) => !problems.some((problem) => problem.place === place)),
      [],
      'it names them all now: take its row out of openEnded',
    );
  });

  test('that forget a member are found', () => {
    const header =
      "declare const x: 'a' | 'b'; declare const y: { kind: 'a' } | { kind: 'b' }; declare const s: string;";
    const found = (text: string) => {
      const planted = openPlanted({ 'a.ts': `${header} function f() { ${text} }` });
      const [problem] = problemsOf(planted, /./);
      planted.close();
      return problem?.problem ?? null;
    };
    assert.equal(found("switch (x) { case 'a': return 1; }"), 'does not name "b"');
    assert.equal(found("switch (y.kind) { case 'a': return 1; default: return 2; }"), 'does not name "b"');
    assert.equal(
      found("switch (x) { case 'a': break; case 'b': break; }"),
      'lacks `default: x satisfies never;`',
    );
    assert.equal(
      found("switch (x) { case 'a': case 'b': return 1; default: return 2; }"),
      'has a default for what cannot be',
    );
    assert.equal(
      found("switch (s) { case 'a': return 1; }"),
      'gives no answer to a value that it does not name',
    );
    assert.equal(found("switch (x) { case 'a': case 'b': return 1; }"), null);
    assert.equal(
      found("switch (x) { case 'a': break; case 'b': return; default: x satisfies never; }"),
      null,
    );
    assert.equal(found("switch (s) { case 'a': return 1; default: return 2; }"), null);
  });
});
