/** Parquet files of a few hundred bytes, made by hand in the Thrift compact protocol: their pages say more than they hold. */

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
const [i32, list, struct, binary, i64] = [5, 9, 12, 8, 6];
type Field = readonly [id: number, type: number, bytes: readonly number[]];
const number = (id: number, value: number, type = i32): Field => [id, type, varint(2 * value)];
const text = (id: number, value: string): Field => [id, binary, [value.length, ...Buffer.from(value)]];
const listOf = (id: number, type: number, items: readonly (readonly number[])[]): Field => [
  id,
  list,
  [
    ...(items.length < 15 ? [items.length * 16 + type] : [240 + type, ...varint(items.length)]),
    ...items.flat(),
  ],
];

function record(fields: readonly Field[]): number[] {
  let last = 0;
  const bytes = fields.flatMap(([id, type, content]) => {
    const delta = id - last;
    last = id;
    return [delta * 16 + type, ...content];
  });
  return [...bytes, 0];
}

const [dataPage, dictionaryPage, dataPageV2] = [0, 2, 3];
const [deltaByteArray, dictionaryIndices] = [7, 8];

function page(type: number, field: number, header: readonly Field[], body: readonly number[]): number[] {
  const sizes = [number(1, type), number(2, body.length), number(3, body.length)];
  return [...record([...sizes, [field, struct, record(header)]]), ...body];
}

const dictionary = page(dictionaryPage, 7, [number(1, 2), number(2, 0)], [0, 0, 0, 0, 1, 0, 0, 0]);
const indices = (values: number, body: readonly number[]): number[] => [
  ...dictionary,
  ...page(dataPage, 5, [number(1, values), number(2, dictionaryIndices), number(3, 3), number(4, 3)], body),
];

/** A table of one column of so many groups, each of which is the same pages. */
function table(pages: readonly number[], type: number, rows: number, groups = 1): Buffer {
  const column = record([
    [
      3,
      struct,
      record([
        ...[number(1, type), listOf(2, i32, [[0]]), listOf(3, binary, [[1, 0x78]]), number(4, 0)],
        ...[
          number(5, rows, i64),
          number(6, pages.length, i64),
          number(7, pages.length, i64),
          number(9, 4, i64),
        ],
      ]),
    ],
  ]);
  const group = record([listOf(1, struct, [column]), number(2, 1, i64), number(3, rows, i64)]);
  const schema = [
    record([text(4, 'schema'), number(5, 1)]),
    record([number(1, type), number(3, 0), text(4, 'x')]),
  ];
  const description = record([
    ...[number(1, 2), listOf(2, struct, schema), number(3, rows * groups, i64)],
    listOf(4, struct, new Array(groups).fill(group)),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(description.length);
  return Buffer.concat([
    Buffer.from('PAR1'),
    Buffer.from(pages),
    Buffer.from(description),
    length,
    Buffer.from('PAR1'),
  ]);
}

/** Lengths that grow by one from value to value, in blocks of 128. */
const growing = (values: number, first: number, by: number): number[] => [
  ...[...varint(128), 1, ...varint(values), 2 * first],
  ...Array.from({ length: Math.ceil((values - 1) / 128) }, () => [2 * by, 0]).flat(),
];
/** Each value is the one before and a letter. */
const prefixed = (values: number): number[] =>
  page(
    ...([dataPage, 5, [number(1, values), number(2, deltaByteArray), number(3, 3), number(4, 3)]] as const),
    [...growing(values, 0, 1), ...growing(values, 1, 0), ...new Array(values).fill(0x61)],
  );

const ten = 2 * 10;
const [int32, byteArray] = [1, 6];
export const parquetBombs = {
  /** None: 0 and 1, ten times each. */
  harmless: table(indices(20, [1, ten, 0, ten, 1]), int32, 20),
  rows: table(indices(1 << 24, [0]), int32, 1 << 24),
  groups: table(indices(1 << 20, [0]), int32, 1 << 20, 100),
  values: table(indices(2 ** 31 - 1, [0]), int32, 20),
  /** A run of equal values that goes far beyond its page. */
  run: table(indices(20, [1, ...varint(2 * (2 ** 31 - 1)), 1]), int32, 20),
  /** Values of no bits, fewer than none of them. */
  endless: table(
    [
      ...dictionary,
      ...page(
        ...([dataPageV2, 8] as const),
        [
          number(1, 20),
          number(2, 0),
          number(3, 20),
          number(4, dictionaryIndices),
          number(5, 0),
          number(6, 0),
          [7, 2, []],
        ],
        [0, 0xff, 0xff, 0xff, 0xff, 0x0f],
      ),
    ],
    int32,
    20,
  ),
  prefixes: table(prefixed(60_000), byteArray, 60_000),
} as const;
