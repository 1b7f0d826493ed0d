import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { encode as encodePng } from 'fast-png';
import { encode as encodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import { rngFor } from '../../src/math/rng.ts';
import { fitImage, type Size } from '../../src/tasks/data/images/fit-image.ts';
import { type Image, readImage } from '../../src/tasks/data/images/image-file.ts';
import type { Fit, ImagesTask } from '../../src/tasks/data/images/images.ts';
import { loadTaskData, taskKindOf } from '../../src/tasks/data/registry.ts';
import type { LabelledRows } from '../../src/tasks/datasets/labelled-rows.ts';
import { impossibleTask } from '../../src/tasks/impossible-task.ts';
import type { ModelSpec } from '../../src/tasks/models/registry.ts';

const task: ImagesTask = {
  ...{ kind: 'images', classes: ['cat', 'dog'], height: 4, width: 4, channels: 3 },
  ...{ fit: 'crop', heldOutEvery: 2 },
};
const model: ModelSpec = { kind: 'logistic-regression', inputs: 48, outputs: 2 };

const fits: readonly Fit[] = ['crop', 'pad', 'stretch'];

const temporary = () => mkdtemp(join(tmpdir(), 'starlings-images-'));

/** All pixels of one colour. */
const plain = (width: number, height: number, colour: readonly number[]): Uint8Array =>
  Uint8Array.from({ length: width * height * colour.length }, (_, at) => colour[at % colour.length]!);

async function put(file: string, bytes: Uint8Array): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
  return file;
}

const red = encodePng({ width: 6, height: 4, data: plain(6, 4, [255, 0, 0]), channels: 3 });
const segment = (marker: number, body: readonly number[]): number[] => [
  0xff,
  marker,
  0,
  body.length + 2,
  ...body,
];
/** Eight by eight pixels; scans after the first say that nothing changes. `between` goes before each of them. */
const progressive = (scans: number, between: readonly number[] = []): Buffer =>
  Buffer.from([
    ...[0xff, 0xd8, ...segment(0xdb, [0, ...new Array(64).fill(1)])],
    ...segment(0xc2, [8, 0, 8, 0, 8, 1, 1, 0x11, 0]),
    ...segment(0xc4, [0, 1, ...new Array(15).fill(0), 0]),
    ...segment(0xc4, [0x10, 1, ...new Array(15).fill(0), 0]),
    ...[...segment(0xda, [1, 1, 0, 0, 0, 0]), 0],
    ...new Array(scans - 1)
      .fill([...between, ...segment(0xda, [1, 1, 0, 1, 63, 0]).slice(between.length === 0 ? 0 : 1), 0])
      .flat(),
    ...[0xff, 0xd9],
  ]);
const jpegOf = (width: number, height: number, colour: readonly number[]) =>
  encodeJpeg({ width, height, data: plain(width, height, [...colour, 255]) }, 95).data;

describe('files of images', () => {
  test('of PNG in every depth and colour are what another library reads', async () => {
    const folder = await temporary();
    const rng = rngFor('images');
    const values = Uint8Array.from({ length: 9 * 7 * 4 }, () => Math.floor(256 * rng.float()));
    for (const colorType of [0, 2, 4, 6] as const) {
      for (const bitDepth of [8, 16] as const) {
        const png = new PNG({ width: 9, height: 7, colorType, bitDepth, inputColorType: 6 });
        png.data = Buffer.from(values);
        const bytes = PNG.sync.write(png, { colorType, inputColorType: 6, bitDepth, inputHasAlpha: true });
        const { pixels, channels } = await readImage(await put(join(folder, 'one.png'), bytes));
        const { data } = PNG.sync.read(bytes);
        assert.equal(channels, colorType === 2 || colorType === 6 ? 3 : 1);
        for (let at = 0; at < 9 * 7; at++) {
          for (let channel = 0; channel < channels; channel++) {
            assert.equal(pixels[at * channels + channel], data[at * 4 + channel], `${colorType} ${bitDepth}`);
          }
        }
      }
    }
  });

  test('of PNG with a palette, few bits and interlaced lines too', async () => {
    const folder = await temporary();
    // 5 x 2, two bits a value: 0 1 2 3 0 and 3 2 1 0 3.
    const rows = [0, 0b00011011, 0b00000000, 0, 0b11100100, 0b11000000];
    const grey = chunks(header(5, 2, 2, 0), { IDAT: deflateSync(Buffer.from(rows)) });
    const read = await readImage(await put(join(folder, 'grey.png'), grey));
    assert.deepEqual([...read.pixels], [0, 85, 170, 255, 0, 255, 170, 85, 0, 255]);
    const palette = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const coloured = chunks(header(5, 2, 2, 3), { PLTE: palette, IDAT: deflateSync(Buffer.from(rows)) });
    const { pixels, channels } = await readImage(await put(join(folder, 'colour.png'), coloured));
    assert.equal(channels, 3);
    assert.deepEqual([...pixels.subarray(0, 6), ...pixels.subarray(27)], [1, 2, 3, 4, 5, 6, 10, 11, 12]);
    const data = Uint8Array.from({ length: 11 * 13 * 3 }, (_, at) => (at * 37) % 256);
    const woven = encodePng({ width: 11, height: 13, data, channels: 3 }, { interlace: 'Adam7' });
    const straight = await readImage(await put(join(folder, 'woven.png'), woven));
    assert.deepEqual(straight.pixels, data);
  });

  test('of JPEG give their colours back as nearly as the format does', async () => {
    const folder = await temporary();
    const { width, height, channels, pixels } = await readImage(
      await put(join(folder, 'one.jpg'), jpegOf(20, 10, [200, 100, 50])),
    );
    assert.deepEqual([width, height, channels], [20, 10, 3]);
    for (let at = 0; at < pixels.length; at++) {
      assert.ok(Math.abs(pixels[at]! - [200, 100, 50][at % 3]!) <= 3, `${at}: ${pixels[at]}`);
    }
  });

  const bad: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
    ['a text', () => Buffer.from('no image'), /neither PNG nor JPEG/],
    ['nothing', () => new Uint8Array(0), /neither PNG nor JPEG/],
    ['a PNG cut off', () => red.subarray(0, red.length - 20), /cut off|cannot be decoded/],
    ['a PNG without header', () => red.subarray(0, 8), /no header/],
    ['a JPEG cut off', () => jpegOf(20, 10, [1, 2, 3]).subarray(0, 200), /cannot be decoded/],
    [
      'a PNG that claims billions of pixels',
      () => chunks(header(60_000, 60_000, 8, 2), { IDAT: deflateSync(Buffer.alloc(8)) }),
      /60000 x 60000 pixels, expected 1 to 50000000/,
    ],
    [
      'a PNG that unpacks to a thousand times its size',
      () => chunks(header(4, 4, 8, 2), { IDAT: deflateSync(Buffer.alloc(200_000_000)) }),
      /unpacks to more than its size says/,
    ],
    [
      'a JPEG that claims billions of pixels',
      () => {
        const bytes = Buffer.from(jpegOf(20, 10, [1, 2, 3]));
        const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
        bytes.writeUInt16BE(60_000, frame + 5);
        bytes.writeUInt16BE(60_000, frame + 7);
        return bytes;
      },
      /cannot be decoded/,
    ],
    ['a JPEG that goes over its pixels again and again', () => progressive(101), /101 passes .* at most 100/],
    // A comment whose last byte is the first of the scan, which the decoder forgives.
    ['one that hides it', () => progressive(101, [0xff, 0xfe, 0, 3, 0xff]), /101 passes .* at most 100/],
    [
      'a JPEG whose segments are not as long as they say',
      () => {
        const bytes = Buffer.from(progressive(2));
        bytes.writeUInt16BE(40, bytes.lastIndexOf(Buffer.from([0xff, 0xda])) + 2);
        return bytes;
      },
      /marker da.* not as long as it says/,
    ],
    [
      'a PNG in a hundred thousand pieces',
      () => {
        const piece = chunks(header(4, 4, 8, 2), { IDAT: Buffer.alloc(0) }).subarray(33, 45);
        return Buffer.concat([red.subarray(0, 33), ...new Array(100_000).fill(piece), red.subarray(33)]);
      },
      /more than 65536 chunks/,
    ],
  ];
  for (const [name, bytes, reason] of bad) {
    test(`refuse ${name} in one sentence`, async () => {
      const file = await put(join(await temporary(), 'bad.png'), bytes());
      await assert.rejects(readImage(file), (error: Error) => {
        assert.equal(error.name, 'DataFileError');
        assert.match(error.message, reason);
        assert.ok(error.message.startsWith(file) && !error.message.includes('\n'), error.message);
        return true;
      });
    });
  }

  test('of JPEG in a hundred scans are read, hidden or not', async () => {
    const folder = await temporary();
    for (const bytes of [progressive(100), progressive(100, [0xff, 0xfe, 0, 3, 0xff])]) {
      const { width, pixels } = await readImage(await put(join(folder, 'one.jpg'), bytes));
      assert.deepEqual([width, new Set(pixels).size], [8, 1]);
    }
  });

  test('of PNG in 16 bits and as large as may be are read, and end no process', async () => {
    const [width, height] = [5800, 5900];
    const data = deflateSync(Buffer.alloc(height * (1 + 8 * width)), { level: 1 });
    const file = await put(
      join(await temporary(), 'large.png'),
      chunks(header(width, height, 16, 6), { IDAT: data }),
    );
    assert.equal((await readImage(file)).pixels.length, 3 * width * height);
  });

  test('leave profiles and texts packed, whatever they would unpack to', async () => {
    const profile = Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(300_000_000))]);
    const data = deflateSync(Buffer.concat(Array.from({ length: 4 }, () => Buffer.from([0, 9, 9, 9, 9]))));
    const bytes = chunks(header(4, 4, 8, 0), { iCCP: profile, IDAT: data });
    const before = process.memoryUsage.rss();
    const { pixels } = await readImage(await put(join(await temporary(), 'one.png'), bytes));
    assert.deepEqual([...new Set(pixels)], [9]);
    assert.ok(process.memoryUsage.rss() - before < 200_000_000);
  });
});

describe('images of any size', () => {
  const image = fc
    .record({
      width: fc.integer({ min: 1, max: 24 }),
      height: fc.integer({ min: 1, max: 24 }),
      seed: fc.nat(),
    })
    .chain(({ width, height, seed }) =>
      fc.constantFrom<1 | 3>(1, 3).map((channels): Image => {
        const rng = rngFor(`image/${seed}`);
        const pixels = Uint8Array.from({ length: width * height * channels }, () => 256 * rng.float());
        return { width, height, channels, pixels };
      }),
    );

  test('become all of one as the filter is defined, pixel by pixel', () => {
    fc.assert(
      fc.property(
        image,
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 1, max: 16 }),
        fc.constantFrom(...fits),
        (source, height, width, fit) => {
          const size: Size = { height, width, channels: source.channels };
          const fast = fitImage(source, size, fit);
          const slow = slowFit(source, size, fit);
          for (const [at, value] of fast.entries()) {
            assert.ok(Math.abs(value - slow[at]!) <= 0.5 + 1e-6, `${at}`);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test('are the same where they have that size', () => {
    const pixels = Uint8Array.from({ length: 5 * 7 * 3 }, (_, at) => (at * 31) % 256);
    for (const fit of fits) {
      const out = fitImage(
        { width: 5, height: 7, channels: 3, pixels },
        { width: 5, height: 7, channels: 3 },
        fit,
      );
      assert.deepEqual(out, pixels, fit);
    }
  });

  test('lose their sides, get a border or are stretched', () => {
    // Left half black, right half white, twice as wide as high.
    const pixels = Uint8Array.from({ length: 8 * 4 }, (_, at) => (at % 8 < 4 ? 0 : 255));
    const source: Image = { width: 8, height: 4, channels: 1, pixels };
    const rowsOf = (fit: Fit) => {
      const out = fitImage(source, { width: 4, height: 4, channels: 1 }, fit);
      return Array.from({ length: 4 }, (_, row) => [...out.subarray(4 * row, 4 * row + 4)].join(' '));
    };
    assert.deepEqual(rowsOf('crop'), Array(4).fill('0 0 255 255'));
    assert.equal(new Set(rowsOf('stretch')).size, 1);
    const padded = rowsOf('pad');
    assert.deepEqual([padded[0], padded[3]], ['0 0 0 0', '0 0 0 0']);
    assert.match(padded[1]!, /^0 .* 255$/);
  });

  test('become grey by luminance and coloured by repetition', () => {
    const colour: Image = { width: 1, height: 1, channels: 3, pixels: Uint8Array.of(200, 100, 50) };
    assert.deepEqual([...fitImage(colour, { width: 1, height: 1, channels: 1 }, 'crop')], [124]);
    const grey: Image = { width: 1, height: 1, channels: 1, pixels: Uint8Array.of(77) };
    assert.deepEqual([...fitImage(grey, { width: 1, height: 1, channels: 3 }, 'crop')], [77, 77, 77]);
  });
});

/** The same, each output pixel by a double sum over all source pixels. */
function slowFit({ width, height, channels, pixels }: Image, size: Size, fit: Fit): Float64Array {
  const step = { y: height / size.height, x: width / size.width };
  const same = fit === 'crop' ? Math.min(step.y, step.x) : Math.max(step.y, step.x);
  const [y, x] = fit === 'stretch' ? [step.y, step.x] : [same, same];
  const centre = (index: number, each: number, length: number, whole: number) =>
    whole / 2 + (index + 0.5 - length / 2) * each;
  const weight = (distance: number, each: number) => Math.max(0, 1 - Math.abs(distance) / Math.max(1, each));
  return Float64Array.from({ length: size.height * size.width * channels }, (_, at) => {
    const row = centre(Math.floor(at / channels / size.width), y, size.height, height);
    const column = centre(Math.floor(at / channels) % size.width, x, size.width, width);
    const isOutside = (value: number, whole: number) => value < -1e-9 || value > whole + 1e-9;
    if (isOutside(row, height) || isOutside(column, width)) return 0;
    let [sum, total] = [0, 0];
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const each = weight(i + 0.5 - row, y) * weight(j + 0.5 - column, x);
        sum += each * pixels[(i * width + j) * channels + (at % channels)]!;
        total += each;
      }
    }
    return sum / total;
  });
}

describe('folders of images', () => {
  async function folderOf(counts: Readonly<Record<string, number>>): Promise<string> {
    const folder = await temporary();
    for (const [name, count] of Object.entries(counts)) {
      for (let index = 0; index < count; index++) {
        const colour = name.endsWith('cat') ? [255, 0, 0] : [0, 0, 255];
        const isPng = index % 2 === 0;
        const bytes = isPng
          ? encodePng({ width: 6, height: 4, data: plain(6, 4, colour), channels: 3 })
          : jpegOf(6, 4, colour);
        await put(join(folder, name, `${index}.${isPng ? 'png' : 'JPG'}`), bytes);
      }
    }
    return folder;
  }

  test('are examples of their classes; every n-th of a class is held out', async () => {
    const folder = await folderOf({ cat: 5, dog: 3 });
    const { train, heldOut } = await loadTaskData(task, model, folder);
    assert.deepEqual([...(train as LabelledRows).labels], [0, 0, 0, 1, 1]);
    assert.deepEqual([...(heldOut as LabelledRows).labels], [0, 0, 1]);
    const { inputs } = train.batchOf([0, 4]);
    assert.deepEqual([...inputs.subarray(0, 3)], [1, 0, 0]);
    assert.deepEqual([...inputs.subarray(48, 51)], [0, 0, 1]);
  });

  test('are held out whole where there is one for it', async () => {
    const folder = await folderOf({ 'train/cat': 2, 'train/dog': 2, 'test/dog': 3 });
    const { train, heldOut } = await loadTaskData(task, model, folder);
    assert.deepEqual([train.examples, heldOut.examples], [4, 3]);
  });

  test('may lack classes, but have none that the run does not know', async () => {
    const one = await loadTaskData(task, model, await folderOf({ dog: 4 }));
    assert.deepEqual([...(one.train as LabelledRows).labels], [1, 1]);
    await assert.rejects(loadTaskData(task, model, await folderOf({ cat: 2, fish: 2 })), {
      name: 'DataFileError',
      message: /fish: 'fish' is none of the classes of the run \(cat, dog\)/,
    });
    await assert.rejects(loadTaskData(task, model, await folderOf({ cat: 1 })), /none would be held out/);
    await assert.rejects(
      loadTaskData(task, model, '/nowhere'),
      /nowhere does not exist; check the path of the data/,
    );
  });

  test('pass over links that lead nowhere or to a file', async () => {
    const folder = await folderOf({ cat: 4, dog: 4 });
    await symlink('/nowhere', join(folder, 'gone'));
    await symlink(join(folder, 'cat', '0.png'), join(folder, 'file'));
    assert.equal((await loadTaskData(task, model, folder)).train.examples, 4);
  });

  test('are guessed, inspected with every bad file named, and divided', async () => {
    const folder = await folderOf({ cat: 30, dog: 30 });
    const kind = taskKindOf(task);
    const guessed = await kind.recognise!(folder, {});
    assert.deepEqual(guessed, { ...task, height: 4, width: 6, heldOutEvery: 5 });
    await put(join(folder, 'dog', 'bad.png'), Buffer.from('none'));
    const report = await kind.inspect!(task, folder, null);
    assert.equal(report.refused.length, 1);
    assert.match(report.refused[0]!.first.join(), /dog\/bad\.png: this is neither PNG nor JPEG/);
    const clean = await folderOf({ cat: 30, dog: 30 });
    const targets = [join(clean, '../a'), join(clean, '../b')].map((path) => `${path}-${process.pid}`);
    const request = { source: clean, targets, classes: 2, alpha: 1, rng: rngFor('split') };
    await kind.writeShares!(task, request);
    const files = await Promise.all(targets.map((target) => readdir(target, { recursive: true })));
    const isImage = (name: string) => name.includes('.');
    assert.equal(files.flat().filter(isImage).length, 60);
    assert.equal(new Set(files.flat().filter(isImage)).size, 60);
  });

  test('fit models of their size alone', () => {
    const pixels = { height: 32, width: 32, channels: 3, outputs: 2 };
    const large: ImagesTask = { ...task, height: 32, width: 32 };
    assert.equal(impossibleTask(large, { kind: 'lenet', ...pixels }), null);
    assert.match(impossibleTask(large, { kind: 'lenet', ...pixels, channels: 1 })!.message, /32 x 32 x 3/);
    assert.match(impossibleTask(task, { ...model, inputs: 49 } as ModelSpec)!.message, /4 \* 4 \* 3/);
    assert.match(impossibleTask(task, { ...model, outputs: 3 } as ModelSpec)!.message, /classes \(2\)/);
  });
});

function header(width: number, height: number, depth: number, colorType: number): Buffer {
  const bytes = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, depth, colorType, 0, 0, 0]);
  bytes.writeUInt32BE(width, 0);
  bytes.writeUInt32BE(height, 4);
  return bytes;
}

function chunks(ihdr: Buffer, others: Readonly<Record<string, Uint8Array>>): Buffer {
  const chunk = (kind: string, body: Uint8Array): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    // No reader here asks for the check sum.
    return Buffer.concat([length, Buffer.from(kind), body, Buffer.alloc(4)]);
  };
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', ihdr),
    ...Object.entries(others).map(([kind, body]) => chunk(kind, body)),
    chunk('IEND', new Uint8Array(0)),
  ]);
}
