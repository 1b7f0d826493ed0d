/** The flock as a drawing: who is there, who is linked to whom, and who publishes. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Bird, Flock } from './model.ts';

interface FlockProps {
  readonly flock: Flock;
  /** By key, of the nodes that are watched. */
  readonly colours: ReadonlyMap<string, string>;
}

const heightPx = 280;
/** For names at the sides, above and below. */
const room = { x: 130, y: 36 };
const widthAtFirst = 480;
/** More names than these lie upon each other. */
const namesMax = 40;
/** Of the font of names, on average. */
const letterPx = 7.5;
const gapPx = 20;
const pulseMs = 450;

interface Place {
  readonly x: number;
  readonly y: number;
  /** Where its name stands beside it. */
  readonly side: 'start' | 'middle' | 'end';
  readonly dy: number;
  /** Letters that there is room for. */
  readonly letters: number;
}

export function FlockDrawing({ flock, colours }: FlockProps) {
  const { birds, links } = flock;
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(widthAtFirst);
  // Drawn in pixels of the screen, so that names are as large as all other text.
  useEffect(() => {
    const target = box.current!;
    const observer = new ResizeObserver(() => setWidth(target.clientWidth));
    observer.observe(target);
    return () => observer.disconnect();
  }, []);
  const places = placesOf(birds, width);
  const up = birds.filter(({ isUp }) => isUp).length;
  return (
    <div ref={box} class="flock">
      <svg
        {...{ width, height: heightPx, viewBox: `0 0 ${width} ${heightPx}`, role: 'img' }}
        aria-label={`${up} of ${birds.length} nodes are here, with ${links.length} links between them`}
      >
        <g class="links">
          {links.map(([a, b]) => {
            const [from, to] = [places.get(a), places.get(b)];
            return from && to && <line key={`${a}${b}`} x1={from.x} y1={from.y} x2={to.x} y2={to.y} />;
          })}
        </g>
        {birds.map((bird) => (
          <BirdDrawing
            key={bird.key}
            bird={bird}
            place={places.get(bird.key)!}
            colour={colours.get(bird.key)}
            isNamed={birds.length <= namesMax}
          />
        ))}
      </svg>
    </div>
  );
}

interface BirdProps {
  readonly bird: Bird;
  readonly place: Place;
  readonly colour: string | undefined;
  readonly isNamed: boolean;
}

function BirdDrawing({ bird, place, colour, isNamed }: BirdProps) {
  const { x, y, side, dy, letters } = place;
  const dx = side === 'start' ? gapPx : side === 'end' ? -gapPx : 0;
  const { name, kind, isUp } = bird;
  const short = name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
  return (
    <g class={`bird ${kind} ${isUp ? 'up' : 'down'}`} transform={`translate(${x} ${y})`}>
      <title>{`${name}${isUp ? '' : kind === 'missing' ? ' (missing)' : ' (down)'}`}</title>
      <circle class="pulse" data-peer={bird.key} r="15" style={{ stroke: colour ?? 'var(--quiet)' }} />
      <circle class="body" r={kind === 'watched' ? 9 : 6} style={isUp && colour ? { fill: colour } : {}} />
      {isNamed && (
        <text x={dx} y={dy} text-anchor={side} dominant-baseline="middle">
          {short}
        </text>
      )}
    </g>
  );
}

/** On an ellipse that fills the drawing; one node alone in its middle, with its peers around it. */
function placesOf(birds: readonly Bird[], width: number): ReadonlyMap<string, Place> {
  const watched = birds.filter(({ kind }) => kind === 'watched');
  const isStar = watched.length === 1 && birds.length > 1;
  const around = isStar ? birds.filter(({ kind }) => kind !== 'watched') : birds;
  const places = new Map<string, Place>();
  const [cx, cy] = [width / 2, heightPx / 2];
  const [rx, ry] = [Math.max(40, cx - room.x), cy - room.y];
  if (isStar || birds.length === 1) {
    places.set(watched[0]?.key ?? birds[0]!.key, { x: cx, y: cy, side: 'middle', dy: 28, letters: 16 });
  }
  around.forEach(({ key }, index) => {
    if (places.has(key)) return;
    const angle = (2 * Math.PI * index) / around.length - Math.PI / 2;
    const [across, down] = [Math.cos(angle), Math.sin(angle)];
    const side = across > 0.2 ? 'start' : across < -0.2 ? 'end' : 'middle';
    places.set(key, {
      x: Math.round(cx + across * rx),
      y: Math.round(cy + down * ry),
      side,
      dy: side === 'middle' ? Math.sign(down) * 26 : 0,
      letters: side === 'middle' ? 16 : Math.floor((cx - rx - gapPx) / letterPx),
    });
  });
  return places;
}

/** Shows whose entries came, for a moment. A ring that grows would have everything painted sixty times a second. */
export function pulse(keys: readonly string[]): void {
  for (const key of keys) {
    const ring = document.querySelector(`[data-peer="${CSS.escape(key)}"]`);
    if (!ring) continue;
    ring.classList.add('now');
    setTimeout(() => ring.classList.remove('now'), pulseMs);
  }
}
