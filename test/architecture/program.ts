/**
 * The repository as TypeScript's own parser and checker see it. Version 7 of the compiler is a native program;
 * `typescript/unstable` starts it and asks it, and opening everything here takes half a second.
 */
import { posix } from 'node:path';
import type { Node, SourceFile as SyntaxTree } from 'typescript/unstable/ast';
import {
  isArrowFunction,
  isCallExpression,
  isClassDeclaration,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isGetAccessorDeclaration,
  isIdentifier,
  isInterfaceDeclaration,
  isMethodDeclaration,
  isMethodSignatureDeclaration,
  isPropertyAssignment,
  isPropertyDeclaration,
  isPropertySignatureDeclaration,
  isVariableDeclaration,
} from 'typescript/unstable/ast/is';
import { createVirtualFileSystem } from 'typescript/unstable/fs';
import { API, type Checker } from 'typescript/unstable/sync';
import { repositoryRoot } from './source-tree.ts';

export interface ParsedFile {
  /** Relative to the repository, with forward slashes: `src/codec/rice.ts`. */
  readonly path: string;
  readonly tree: SyntaxTree;
}

export interface Program {
  readonly files: readonly ParsedFile[];
  readonly checker: Checker;
  close(): void;
}

/** All files that `tsc` checks. */
export function openRepository(): Program {
  return open(new API({ cwd: repositoryRoot }), repositoryRoot);
}

/** The page in the browser, which `tsc` checks by itself: it knows the DOM. */
export function openPage(): Program {
  return open(new API({ cwd: repositoryRoot }), repositoryRoot, 'tsconfig.page.json');
}

/** A program of the given files (path to text) and nothing else, not even the types of the language. */
export function openPlanted(texts: Readonly<Record<string, string>>): Program {
  const root = '/planted';
  const config = {
    compilerOptions: { noLib: true, types: [], allowImportingTsExtensions: true },
    include: ['.'],
  };
  const absolute = Object.entries(texts).map(([path, text]) => [posix.join(root, path), text]);
  const fs = createVirtualFileSystem({
    ...Object.fromEntries(absolute),
    [posix.join(root, 'tsconfig.json')]: JSON.stringify(config),
  });
  return open(new API({ cwd: root, fs }), root);
}

function open(api: API, root: string, name = 'tsconfig.json'): Program {
  const config = posix.join(root, name);
  const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
  if (project === undefined) throw new Error(`${config} is no project`);
  const files = project.rootFiles.map((file) => {
    const tree = project.program.getSourceFile(file);
    if (tree === undefined) throw new Error(`${file} cannot be parsed`);
    return { path: posix.relative(root, file), tree };
  });
  return { files, checker: project.checker, close: () => api.close() };
}

/** The node and everything below it, from the top down and in order of the text. */
export function* descendantsOf(node: Node): Generator<Node> {
  yield node;
  const children: Node[] = [];
  node.forEachChild((child) => {
    children.push(child);
  });
  for (const child of children) yield* descendantsOf(child);
}

/** Of the node without its comment, counted from 1. */
export function firstLineOf(file: ParsedFile, node: Node): number {
  return file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line + 1;
}

export function lastLineOf(file: ParsedFile, node: Node): number {
  return file.tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1;
}

/**
 * A place in the program that stays when lines move: `src/cli/parts/command/exit.ts Exit.sentence`. What has no name is called
 * after what it is given to.
 */
export function placeOf(file: ParsedFile, node: Node): string {
  const names: string[] = [];
  for (let at: Node = node; at.parent !== undefined; at = at.parent) {
    const name = nameOf(file, at);
    if (name !== null) names.unshift(name);
  }
  return [file.path, names.join('.')].join(' ').trim();
}

function nameOf(file: ParsedFile, node: Node): string | null {
  if (isConstructorDeclaration(node)) return 'constructor';
  const isNamed =
    isFunctionDeclaration(node) ||
    isFunctionExpression(node) ||
    isMethodDeclaration(node) ||
    isClassDeclaration(node) ||
    isInterfaceDeclaration(node) ||
    isGetAccessorDeclaration(node) ||
    isPropertySignatureDeclaration(node) ||
    isMethodSignatureDeclaration(node) ||
    isPropertyDeclaration(node) ||
    isPropertyAssignment(node) ||
    (isVariableDeclaration(node) && isIdentifier(node.name));
  if (isNamed && node.name !== undefined) return node.name.getText(file.tree);
  return isArrowFunction(node) && isCallExpression(node.parent)
    ? `${node.parent.expression.getText(file.tree).split('\n')[0]}()`
    : null;
}
