/** What `--help` of every command ends with: how it is typed, and what its exit code says. */
import type { AddHelpTextContext, Command } from 'commander';
import { exitCodesHelp, fewExitCodesHelp } from './exit.ts';

/** By the words of the command. Those that are made from the table of a node's commands make theirs of it. */
const examples: Readonly<Record<string, string>> = {
  start: 'start examples/heart',
  init: 'init --data patients.csv --label outcome --out run.yaml',
  'run create': 'run create configs/runs/mnist-mlp.yaml --out mnist.manifest --start-in 180',
  'run show': 'run show mnist.manifest',
  'run invite': 'run invite mnist.manifest --for KEY',
  node: 'node --run mnist.manifest --data my-share --bootstrap ADDRESS --dir node-a',
  'node id': 'node id --dir node-a --name "Ward 3"',
  'node network-key': 'node network-key network.key',
  'node link': 'node link --dir node-a',
  invite: 'invite --dir node-a',
  join: 'join INVITATION --data my-data --dir node-b',
  bootstrap: 'bootstrap --listen /ip4/0.0.0.0/tcp/4001',
  'testnet up': 'testnet up configs/runs/mnist-mlp.yaml --nodes 5',
  'testnet status': 'testnet status --watch',
  'testnet dashboard': 'testnet dashboard --open',
  'testnet down': 'testnet down',
  'testnet init': 'testnet init --nodes 16 --for kubernetes --out net',
  'testnet logs': 'testnet logs node-00',
  'testnet kill': 'testnet kill node-03',
  'testnet restart': 'testnet restart node-03',
  'testnet partition': 'testnet partition node-00,node-01 node-02,node-03',
  'testnet heal': 'testnet heal',
  'trainer check': 'trainer check "python3 mine.py" --run run.yaml --data my-share',
  'trainer manifest': 'trainer manifest "python3 mine.py" --data my-share',
  doctor: 'doctor --dir node-a',
  inspect: 'inspect mnist.manifest',
  report: 'report .starlings/testnet --out report.html',
  view: 'view report.html --open',
  mcp: 'mcp --dir node-a --allow-actions note evaluate',
  'model export': 'model export --from node-a --out web-model',
  'model evaluate': 'model evaluate --from node-a --data a.csv b.csv',
  'model predict': 'model predict --from node-a --input new.csv --out scores.csv',
  'model generate': 'model generate --from notes --prompt "The " --bytes 200',
  'model publish': 'model publish --file my.safetensors --model digits@1.0 --licence MIT',
  'model verify': 'model verify --model digits@1.0 --file digits.safetensors --archive digits.archive',
  'model serve': 'model serve --model digits@1.0',
  'log export': 'log export --dir node-a --out run.log',
  'log verify': 'log verify run.log',
  ledger: 'ledger run.log --csv contributions.csv',
  audit: 'audit --dir node-a --rounds 10..20 --data my-share',
  'alliance report': 'alliance report .starlings/start-mnist-alliance --html report.html',
  'privacy report': 'privacy report node-a',
  'privacy plan': 'privacy plan --epsilon 3 --examples 2000 --batch 64 --steps 500',
  'arena shard': 'arena shard --from my.safetensors --part 0 --of 3 --dir node-a --out my.shard',
  'arena create': 'arena create --shard ANN BOB EVE --slot-ms 3600000 --out arena.manifest',
  'arena evaluate': 'arena evaluate --dir node-a --shard my.shard',
  'arena verify': 'arena verify --archive arena.archive --files files',
  'label import': 'label import --dir node-a --file reviews.csv --column review --name reviews',
  'label serve': 'label serve --dir node-a',
  'label answer': 'label answer --dir node-a --file tasks.json --of 3',
  'label agreement': 'label agreement --dir node-a --disagreements 5',
  'label decide': 'label decide --dir node-a --record RECORD --value good',
  'label reveal': 'label reveal --dir node-a --gold right.json',
  'label export': 'label export --dir node-a --out labels.csv',
  'data inspect': 'data inspect my.csv --label outcome',
  'data check': 'data check my.csv --run run.yaml',
  'data split': 'data split my.csv --nodes 5 --alpha 0.5 --out shares',
  'data moments': 'data moments my.csv --out mine.json',
  sim: 'sim configs/sim/first-run.yaml --report page.html',
  'sim fuzz': 'sim fuzz --seeds 20',
  'sim diff': 'sim diff a.json b.json',
  compare: 'compare configs/compare/mnist.yaml',
  'codec bench': 'codec bench',
  completion: 'completion bash',
};

/** Those that end by what came of a run. */
const endWithRuns: ReadonlySet<string> = new Set(['start', 'node', 'join', 'testnet status']);

/** Of all commands that do something; once they all are there. */
export function addHelpTexts(program: Command): void {
  for (const { command, words } of leavesOf(program)) {
    const example = examples[words];
    if (example !== undefined) addExample(command, example);
    command.addHelpText('after', endWithRuns.has(words) ? exitCodesHelp : fewExitCodesHelp);
  }
}

/** For `addHelpText`: prose, broken where the terminal ends as what stands above it is. */
export function prose(text: string): (context: AddHelpTextContext) => string {
  return ({ command }) => {
    const width = command.configureOutput().getOutHelpWidth?.() ?? usualWidth;
    return `\n${command.createHelp().boxWrap(text, width)}`;
  };
}

/** Of what is no terminal, as commander has it. */
const usualWidth = 80;

export function addExample(command: Command, example: string): void {
  command.addHelpText('after', `\nExample:\n  starlings ${example}`);
}

/** Commands that are typed, with their words after `starlings`. `node` and `sim` are commands and have some. */
function leavesOf(program: Command, before = ''): { readonly command: Command; readonly words: string }[] {
  return program.commands.flatMap((command) => {
    const words = `${before}${command.name()}`;
    const isTyped = command.commands.length === 0 || words in examples;
    return [...(isTyped ? [{ command, words }] : []), ...leavesOf(command, `${words} `)];
  });
}
