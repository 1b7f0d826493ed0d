import * as tf from '@tensorflow/tfjs-core';
import { recordingOf } from './example-recording.ts';

/** Rows of `table` (symbols x width) by `ids` (int32, examples first): shape of the ids x width. */
export function embedding(table: tf.Tensor2D, ids: tf.Tensor): tf.Tensor {
  const recording = recordingOf([table]);
  if (recording === null) return tf.gather(table, ids);
  const [symbols, width] = table.shape;
  return recording.operation(
    null,
    (save) => {
      save([ids]);
      return tf.gather(table, ids);
    },
    (dy, [taken]) => {
      tf.tidy(() => {
        const { examples } = recording;
        const rows = tf.reshape(dy, [-1, width]);
        // The table of each example behind that of the one before.
        const firsts = tf.range(0, examples * symbols, symbols, 'int32');
        const places = tf.add(tf.reshape(taken!, [examples, -1]), tf.reshape(firsts, [examples, 1]));
        const sums = tf.unsortedSegmentSum(rows, tf.reshape(places, [-1]) as tf.Tensor1D, examples * symbols);
        recording.noteRows(table, sums);
      });
      return () => {
        throw new Error('there is no gradient by numbers of rows');
      };
    },
  );
}

/** x (examples x places x width) plus the first rows of `table` (places at most x width), in each example. */
export function withPositions(x: tf.Tensor3D, table: tf.Tensor2D): tf.Tensor3D {
  const [, places, width] = x.shape;
  const computed = (): tf.Tensor3D => tf.add(x, tf.slice(table, [0, 0], [places, width]));
  const recording = recordingOf([table]);
  if (recording === null) return computed();
  return recording.operation(x, computed, (dy) => {
    tf.tidy(() => {
      const after = table.shape[0] - places;
      recording.noteRows(
        table,
        after === 0
          ? dy
          : tf.pad(dy, [
              [0, 0],
              [0, after],
              [0, 0],
            ]),
      );
    });
    return () => tf.clone(dy);
  });
}

/** How well each row of x (rows x width) goes with each symbol of a table (symbols x width) that the inputs were taken from too. */
export function likeness(x: tf.Tensor2D, table: tf.Tensor2D): tf.Tensor2D {
  const recording = recordingOf([table]);
  if (recording === null) return tf.matMul(x, table, false, true);
  return recording.operation(
    x,
    (save) => {
      save([x]);
      return tf.matMul<tf.Tensor2D>(x, table, false, true);
    },
    (dy, [input]) => {
      recording.noteProducts(table, dy, input as tf.Tensor2D, true);
      return () => tf.matMul(dy, table);
    },
  );
}
