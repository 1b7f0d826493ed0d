/** Nothing is exported that nobody imports, and no file lies there that nothing leads to. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Node, SyntaxKind } from 'typescript/unstable/ast';
import {
  isAwaitExpression,
  isBlock,
  isCallExpression,
  isClassDeclaration,
  isExportDeclaration,
  isGetAccessorDeclaration,
  isIdentifier,
  isImportDeclaration,
  isImportTypeNode,
  isInterfaceDeclaration,
  isLiteralTypeNode,
  isMethodDeclaration,
  isMethodSignatureDeclaration,
  isNamedExports,
  isNamedImports,
  isNamespaceImport,
  isObjectBindingPattern,
  isPropertyAccessExpression,
  isPropertyDeclaration,
  isPropertySignatureDeclaration,
  isQualifiedName,
  isStringLiteral,
  isTypeAliasDeclaration,
  isTypeReferenceNode,
  isVariableDeclaration,
  isVariableStatement,
} from 'typescript/unstable/ast/is';
import { descendantsOf, openPage, openPlanted, openRepository, type ParsedFile, placeOf } from './program.ts';
import { readSources, repositoryRoot, type SourceFile, specifiersOf, targetOf } from './source-tree.ts';

/** Exported for the tests alone, and why the tests need what is inside. */
const forTests: Readonly<Record<string, string>> = {
  'scripts/bundle-tensorflow.ts bundledPackages': 'imports and declared packages are compared with it',
  'scripts/config-reference.ts configReference': 'docs/CONFIG.md is compared with it',
  'src/codec/half.ts float16Max': 'a bound',
  'src/kernels/quantise.ts twoBitLevels': 'the slow twin has the same levels',
  'src/kernels/selection.ts NonFiniteError': 'a failure is told by its class',

  'src/learning/tfjs/clipped-gradients.ts clipFactor': 'a bound',
  'src/math/renyi-accountant.ts renyiOrders': 'published losses are of single orders',
  'src/math/renyi-accountant.ts renyiLossOfStep': 'held against the definition',
  'src/math/renyi-accountant.ts lossByQuadrature': 'the definition',
  'src/network/profiles/hole-punching.ts fewAtATime': 'dials of the internet, without an internet',
  'src/network/profiles/port-mapping.ts PmpMapping': 'a router of a test stands in for the one at hand',
  'src/entries/note/note-kind.ts NoteState': 'vectors name its fields',
  'src/entries/registry.ts entryKinds': 'a contract goes over all that are registered',
  'src/ledger/copies.ts logTailBound': 'held against the binomial',
  'src/ledger/reward-policies.ts rewardPolicies': 'a contract goes over all that are registered',
  'src/ledger/reward-policies.ts rewardPolicySchema': 'a contract goes over all that are registered',
  'src/ledger/score-round.ts worthOf': 'the oracle goes over all coalitions',
  'src/ledger/tally.ts correlation': 'held against known values',
  'src/log/envelope.ts indexMax': 'a bound',
  'src/testnet/lines.ts lineCommands': 'what is given to ip and tc, where nobody is root',
  'src/log/log-book.ts placeToBytes': 'what is written is read back',
  'src/methods/aggregators/krum.ts krumScores': 'held against the paper',
  'src/methods/delta-log/training-record.ts encodeTraining': 'what a node kept is tampered with',
  'src/network/exchange/frames.ts encodeVarint': 'hostile frames are made of it',
  'src/network/discovery/serve-while-reachable.ts isReachedOverRelaysAlone':
    'addresses of the internet, without an internet',
  'src/node/invitation.ts writeInvitation': 'what is written is read back',
  'src/node/clock/past-end.ts unmetPatienceMs': 'a bound',
  'src/node/view/run-history.ts headsMax': 'a bound',
  'src/run/run-spec.ts optimiserSchema': 'defaults of a part of a run',
  'src/run/run-spec.ts scheduleSchema': 'defaults of a part of a run',
  'src/tasks/assessment.ts assess': 'probabilities are quicker to write than logits',
  'src/tasks/data/idx-images/idx-file.ts idxFileBytesMax': 'a bound',
  'src/tasks/data/table/parquet-file.ts readParquet': 'its bounds, lower',
  'src/tasks/data/idx-images/idx-folder.ts writeIdxShares': 'its bounds, one by one',
  'src/testnet/calibrate.ts startDelayMaxMs': 'a bound',
  'src/testnet/calibrate.ts startDelayMinMs': 'a bound',
  'sim/event-queue.ts EventQueueFullError': 'a failure is told by its class',
  'sim/event-queue.ts EventTimeError': 'a failure is told by its class',
  'sim/virtual-node.ts CoreContractError': 'a failure is told by its class',
  'sim/adversaries/registry.ts messageAttacks': 'a contract goes over all that are registered',
  'sim/churn/weibull.ts gamma': 'held against published values',
  'sim/compare/compare-file.ts expand': 'texts are quicker to write than files',
  'sim/network/topology.ts isConnected': 'a property of every graph that is drawn',
  'sim/report/line-plot.ts decades': 'axes, without a page around them',
  'sim/report/line-plot.ts niceTicks': 'axes, without a page around them',
  'scripts/build-gradients.ts bundleGradients': 'the same sources must give the same bytes',
  'scripts/build-gradients.ts gradientsFile': 'the same sources must give the same bytes',
  'scripts/build-kernels.ts compileAllKernels': 'the same sources must give the same bytes',
  'scripts/build-kernels.ts pinnedHashes': 'the same sources must give the same bytes',
};

/** Members that the program itself has no use for. */
const membersForOthers: Readonly<Record<string, string>> = {
  'src/math/rng.ts Rng.seek': 'that any word is reached at once is what the library promises of a stream',
  'src/learning/tfjs/network.ts Network.clippedGradient': 'held against the gradients of single examples',
  'src/network/profiles/web-sockets.ts LazyWebSockets.createListener':
    'a transport has it, and libp2p calls it',
  'src/network/profiles/web-sockets.ts LazyWebSockets.dialFilter': 'a transport has it, and libp2p calls it',
  'src/network/profiles/web-sockets.ts LazyWebSockets.listenFilter':
    'a transport has it, and libp2p calls it',
  'src/network/discovery/host-datastore.ts HostDatastore._all': 'the base class calls it',
  'src/network/discovery/host-datastore.ts HostDatastore._allKeys': 'the base class calls it',
};

/** Nothing leads to them yet. */
const ahead: readonly string[] = [];

/** Imported by no file of ours: Node loads a reporter by its default export. */
const needless: readonly string[] = ['scripts/report-failures.ts reportFailures'];

/** What a file is taken from another: `src/math/rng.ts rngFor`, or with a star for all of it. */
interface Use {
  readonly by: string;
  readonly of: string;
}

/** The names that the file gives to others; without types that come along with what speaks of them. */
function exportsOf({ path, tree }: ParsedFile): string[] {
  const exported = tree.statements.filter(isExported);
  const own = exported.flatMap((statement) => {
    const isType = isInterfaceDeclaration(statement) || isTypeAliasDeclaration(statement);
    const names = namesOf(statement);
    return isType && exported.some((other) => other !== statement && speaksOf(other, names)) ? [] : names;
  });
  const lists = tree.statements
    .filter(isExportDeclaration)
    .flatMap(({ exportClause }) =>
      exportClause && isNamedExports(exportClause) ? exportClause.elements.map(({ name }) => name.text) : [],
    );
  return [...own, ...lists].map((name) => `${path} ${name}`);
}

function isExported(statement: Node): boolean {
  const { modifiers } = statement as { modifiers?: readonly Node[] };
  return modifiers?.some(({ kind }) => kind === SyntaxKind.ExportKeyword) ?? false;
}

function namesOf(statement: Node): string[] {
  const names = isVariableStatement(statement)
    ? statement.declarationList.declarations.map(({ name }) => name)
    : [(statement as { name?: Node }).name];
  return names.flatMap((name) => (name && isIdentifier(name) ? [name.text] : []));
}

/** Whether one of the types is named outside the bodies of functions. */
function speaksOf(node: Node, types: readonly string[]): boolean {
  if (isBlock(node)) return false;
  if (isTypeReferenceNode(node) && isIdentifier(node.typeName) && types.includes(node.typeName.text))
    return true;
  return node.forEachChild((child) => speaksOf(child, types) || undefined) ?? false;
}

function usesBy({ path, tree }: ParsedFile): Use[] {
  return [...descendantsOf(tree)].flatMap((node) => {
    const found = importOf(node);
    if (found === null || !found.specifier.startsWith('.')) return [];
    const target = posix.join(posix.dirname(path), found.specifier);
    return found.names.map((name) => ({ by: path, of: `${target} ${name}` }));
  });
}

/** What the node takes from which file, if it is an import of any kind. */
function importOf(node: Node): { readonly specifier: string; readonly names: readonly string[] } | null {
  if (isImportDeclaration(node) && isStringLiteral(node.moduleSpecifier)) {
    const bindings = node.importClause?.namedBindings;
    const names =
      bindings && isNamedImports(bindings)
        ? bindings.elements.map(originalName)
        : bindings && isNamespaceImport(bindings)
          ? namesTakenThrough(bindings.name.text, node.parent)
          : ['*'];
    return { specifier: node.moduleSpecifier.text, names };
  }
  if (isExportDeclaration(node) && node.moduleSpecifier && isStringLiteral(node.moduleSpecifier)) {
    const { exportClause } = node;
    const names =
      exportClause && isNamedExports(exportClause) ? exportClause.elements.map(originalName) : ['*'];
    return { specifier: node.moduleSpecifier.text, names };
  }
  if (isImportTypeNode(node) && isLiteralTypeNode(node.argument) && isStringLiteral(node.argument.literal)) {
    const { qualifier } = node;
    const name = qualifier && isIdentifier(qualifier) ? qualifier.text : '*';
    return { specifier: node.argument.literal.text, names: [name] };
  }
  if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) {
    const [specifier] = node.arguments;
    return specifier && isStringLiteral(specifier)
      ? { specifier: specifier.text, names: namesTakenFrom(node) }
      : null;
  }
  return null;
}

/** `vector.norm` takes norm out of `import * as vector`. */
function namesTakenThrough(namespace: string, tree: Node): string[] {
  return [...descendantsOf(tree)].flatMap((node) => {
    if (isPropertyAccessExpression(node) && node.expression.getText() === namespace) return [node.name.text];
    if (isQualifiedName(node) && node.left.getText() === namespace) return [node.right.text];
    return [];
  });
}

function originalName({ name, propertyName }: { name: Node; propertyName?: Node | undefined }): string {
  return (propertyName ?? name).getText();
}

/** `const { a, b: c } = await import(...)` takes a and b. */
function namesTakenFrom(call: Node): string[] {
  const declaration = isAwaitExpression(call.parent) ? call.parent.parent : call.parent;
  return isVariableDeclaration(declaration) && isObjectBindingPattern(declaration.name)
    ? declaration.name.elements.map((element) => originalName(element as { name: Node; propertyName?: Node }))
    : ['*'];
}

interface Dead {
  readonly unused: readonly string[];
  readonly usedByTestsAlone: readonly string[];
}

function deadExports(files: readonly ParsedFile[]): Dead {
  const uses = new Set<string>();
  const usesByProgram = new Set<string>();
  for (const { by, of } of files.flatMap(usesBy)) {
    uses.add(of);
    if (!by.startsWith('test/')) usesByProgram.add(of);
  }
  const isIn = (set: ReadonlySet<string>, name: string) =>
    set.has(name) || set.has(`${name.split(' ')[0]} *`);
  const given = files.filter(({ path }) => path !== 'src/index.ts').flatMap(exportsOf);
  return {
    unused: given.filter((name) => !isIn(uses, name)),
    usedByTestsAlone: given.filter(
      (name) => isIn(uses, name) && !isIn(usesByProgram, name) && !name.startsWith('test/'),
    ),
  };
}

/** Methods and fields of the files whose name no other place in them mentions. A name that means two things hides one. */
function deadMembers(files: readonly ParsedFile[]): string[] {
  const nodes = files.flatMap((file) => [...descendantsOf(file.tree)].map((node) => ({ file, node })));
  const mentions = new Map<string, number>();
  for (const { node } of nodes) {
    if (isIdentifier(node)) mentions.set(node.text, (mentions.get(node.text) ?? 0) + 1);
  }
  return nodes.flatMap(({ file, node }) => {
    const isMember =
      // What an object has may be asked for by whatever it is handed to.
      (isMethodDeclaration(node) && isClassDeclaration(node.parent)) ||
      isPropertyDeclaration(node) ||
      isGetAccessorDeclaration(node) ||
      isMethodSignatureDeclaration(node) ||
      isPropertySignatureDeclaration(node);
    const isDead = isMember && isIdentifier(node.name) && mentions.get(node.name.text) === 1;
    return isDead ? [placeOf(file, node)] : [];
  });
}

/** Files that are started by themselves: the library, the command line, the scripts of package.json, and tests. */
function rootsOf(files: readonly SourceFile[]): string[] {
  const { scripts } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
  // Whose steps are processes.
  const steps =
    readFileSync(join(repositoryRoot, 'scripts/build.ts'), 'utf8').match(/\bscripts\/[\w-]+\.ts\b/g) ?? [];
  const ran = Object.values<string>(scripts).flatMap((script) => script.match(/\S+\.ts\b/g) ?? []);
  const started = [...ran, ...steps];
  const isTest = (path: string) => /^test\/.*\.(test|e2e|hostile|nat|python)\.ts$/.test(path);
  return [
    ...['src/index.ts', 'src/cli/main.ts', 'test/nat/peer.ts', 'scripts/report-failures.ts', ...started],
    ...files.map(({ path }) => path).filter(isTest),
  ];
}

function filesLedToFrom(roots: readonly string[], files: readonly SourceFile[]): Set<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const seen = new Set(roots);
  for (const path of seen) {
    const file = byPath.get(path);
    if (file === undefined) continue;
    for (const specifier of specifiersOf(file)) {
      const target = targetOf(file, specifier);
      if (target !== null) seen.add(target);
    }
  }
  return seen;
}

describe('exports', () => {
  const repository = openRepository();
  const page = openPage();
  after(() => {
    repository.close();
    page.close();
  });
  const files = [...repository.files, ...page.files];
  const { unused, usedByTestsAlone } = deadExports(files);

  test('are each imported somewhere', () => {
    assert.deepEqual(
      unused.filter((name) => !needless.includes(name)),
      [],
      'take the word export away, or the whole of it',
    );
    assert.deepEqual(
      needless.filter((name) => !unused.includes(name)),
      [],
      'it is not exported for nothing any more: take its row out of needless',
    );
  });

  test('that nobody imports are found', () => {
    const planted = openPlanted({
      'src/a.ts': `export const used = 1; export const dead = 2; export function tested() {}
        export interface Options { x: number } export interface Forgotten {} export type Named = Options;
        export function f(options: Options): void { const inside: Forgotten = {}; }`,
      'src/b.ts': `import { used } from './a.ts'; import type { Named } from './a.ts'; import * as a from './a.ts';
        const { late: later } = await import('./c.ts'); let y: import('./c.ts').Spoken; a.f({ x: used });`,
      'src/c.ts':
        'export const late = 1; export interface Spoken {} export class Idle {} const i = 1; export { i };',
      'test/a.test.ts': "import { tested } from '../src/a.ts';",
    });
    const dead = deadExports(planted.files);
    planted.close();
    assert.deepEqual(dead, {
      unused: ['src/a.ts dead', 'src/a.ts Forgotten', 'src/c.ts Idle', 'src/c.ts i'],
      usedByTestsAlone: ['src/a.ts tested'],
    });
  });

  test('have no members that nothing mentions', () => {
    const program = files.filter(({ path }) => !/^test\/|\.d\.ts$/.test(path));
    const dead = deadMembers(program);
    assert.deepEqual(
      dead.filter((place) => !(place in membersForOthers)),
      [],
      'delete it, or write into membersForOthers who needs it',
    );
    assert.deepEqual(
      Object.keys(membersForOthers).filter((place) => !dead.includes(place)),
      [],
      'it is mentioned now: take its row out of membersForOthers',
    );
    const planted = openPlanted({
      'a.ts': 'class A { used = 1; get idle() { return this.used; } } interface B { never: A; always: B }',
      'b.ts': 'declare const b: { always: number }; b.always;',
    });
    assert.deepEqual(deadMembers(planted.files), ['a.ts A.idle', 'a.ts B.never']);
    planted.close();
  });

  test('are each imported by the program, but for those that tests need', () => {
    assert.deepEqual(
      usedByTestsAlone.filter((name) => !(name in forTests)),
      [],
      'test what the program uses; or write into forTests why not',
    );
    assert.deepEqual(
      Object.keys(forTests).filter((name) => !usedByTestsAlone.includes(name)),
      [],
      'no test alone uses it any more: take its row out of forTests',
    );
  });
});

describe('files', () => {
  const files = readSources('src', 'sim', 'bench', 'scripts', 'test').filter(
    ({ path }) => !path.endsWith('.d.ts'),
  );

  test('are each led to from where a program starts', () => {
    const roots = rootsOf(files);
    const program = filesLedToFrom(
      roots.filter((path) => !path.startsWith('test/')),
      files.filter(({ path }) => !path.startsWith('test/')),
    );
    const all = filesLedToFrom(roots, files);
    const lost = files
      .map(({ path }) => path)
      .filter((path) => !(path.startsWith('test/') ? all : program).has(path));
    assert.deepEqual(
      ahead.filter((path) => !lost.includes(path)),
      [],
      'something leads to it now: take its row out of ahead',
    );
    assert.deepEqual(
      lost.filter((path) => !ahead.includes(path)),
      [],
      'nothing starts or imports it (a test alone does not count for what is not a test): delete it',
    );
  });

  test('that nothing leads to are found', () => {
    const planted = [
      {
        path: 'src/a.ts',
        text: "import './b.ts';\nnew Worker(new URL(`./c.$" + '{extension}`, import.meta.url));\n',
      },
      { path: 'src/b.ts', text: "const { d } = await import('./d.ts');\n" },
      ...['src/c.ts', 'src/d.ts', 'src/e.ts'].map((path) => ({ path, text: '' })),
    ];
    assert.deepEqual(
      [...filesLedToFrom(['src/a.ts'], planted)].sort(),
      planted.slice(0, 4).map(({ path }) => path),
    );
  });
});
