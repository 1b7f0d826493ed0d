/** The network as it looked over time: nodes at their places, the connections of one frame, a slider through the frames. */
import type { ChronicleNode, TopologyFrame } from '../chronicle.ts';
import { escapeHtml, scriptJson } from './escape.ts';

const width = 940;
const height = 470;
/** Room for the names of the outermost. */
const margin = 40;
/** So few can be told apart by larger signs and a name each. */
const namedMax = 32;

/** HTML of the plot with its slider and script; without a script the last frame shows. Peers that are no nodes are left out. */
export function topologyPlot(nodes: readonly ChronicleNode[], recorded: readonly TopologyFrame[]): string {
  const across = stretched(
    nodes.map(({ x }) => x),
    width,
  );
  const down = stretched(
    nodes.map(({ y }) => y),
    height,
  );
  const places = new Map(nodes.map(({ peer }, at): [number, Place] => [peer, [across[at]!, down[at]!]]));
  const isNamed = nodes.length <= namedMax;
  const frames = recorded.map((frame) => ({
    ...frame,
    living: frame.living.filter((peer) => places.has(peer)),
    edges: frame.edges.filter(([a, b]) => places.has(a) && places.has(b)),
  }));
  const last = frames.at(-1);
  if (!last) return '<p class="none">The network was not drawn: no round was over.</p>';
  const caption = `round ${last.round}, ${last.living.length} of ${nodes.length} drawn peers, ${last.edges.length} connections among them`;
  return [
    `<svg id="net" viewBox="0 0 ${width} ${height}" role="img"><title>The network</title>`,
    `<path id="links" d="${linksOf(last, places)}"/>`,
    ...nodes.map((node) => nodeShape(node, places.get(node.peer)!, last.living.includes(node.peer), isNamed)),
    '</svg>',
    `<p><input id="frame" type="range" min="0" max="${frames.length - 1}" value="${frames.length - 1}" aria-label="round"> <span id="caption">${escapeHtml(caption)}</span></p>`,
    `<script type="application/json" id="frames">${scriptJson({ places: [...places], frames, drawn: nodes.length })}</script>`,
    `<script>${stepThroughFrames}</script>`,
  ].join('');
}

type Place = readonly [number, number];

/** From side to side, whatever part of the world they are in; in the middle where all are at one place. */
function stretched(values: readonly number[], size: number): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return values.map((value) => {
    const part = high > low ? (value - low) / (high - low) : 0.5;
    return Number((margin + part * (size - 2 * margin)).toFixed(1));
  });
}

function linksOf({ edges }: TopologyFrame, places: ReadonlyMap<number, Place>): string {
  return edges.map(([a, b]) => `M${places.get(a)!.join(' ')}L${places.get(b)!.join(' ')}`).join('');
}

function nodeShape(
  { peer, region, adversary }: ChronicleNode,
  [x, y]: Place,
  lives: boolean,
  isNamed: boolean,
): string {
  const radius = isNamed ? 8 : 4;
  const words = [`peer ${peer}`, region, adversary ?? ''].filter((word) => word !== '').join(', ');
  const title = `<title>${escapeHtml(words)}</title>`;
  const state = `id="n${peer}" class="${adversary ? 'bad' : 'good'}${lives ? '' : ' dead'}"`;
  const name = isNamed ? `<text x="${x}" y="${y + radius + 13}" class="x">${peer}</text>` : '';
  const shape = adversary
    ? `<rect ${state} x="${x - radius}" y="${y - radius}" width="${2 * radius}" height="${2 * radius}">${title}</rect>`
    : `<circle ${state} cx="${x}" cy="${y}" r="${radius}">${title}</circle>`;
  return shape + name;
}

/** Runs in the page: plain JavaScript, as every browser has it. */
const stepThroughFrames = `
(() => {
  const { places, frames, drawn } = JSON.parse(document.getElementById('frames').textContent);
  const at = new Map(places);
  const show = (index) => {
    const { round, living, edges } = frames[index];
    const alive = new Set(living);
    document.getElementById('links').setAttribute('d', edges.map(([a, b]) => 'M' + at.get(a).join(' ') + 'L' + at.get(b).join(' ')).join(''));
    for (const peer of at.keys()) document.getElementById('n' + peer).classList.toggle('dead', !alive.has(peer));
    document.getElementById('caption').textContent = 'round ' + round + ', ' + living.length + ' of ' + drawn + ' drawn peers, ' + edges.length + ' connections among them';
  };
  const slider = document.getElementById('frame');
  slider.addEventListener('input', () => show(Number(slider.value)));
})();`;
