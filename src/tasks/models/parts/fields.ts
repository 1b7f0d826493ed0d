/** Fields that several kinds of models are described by. */
import * as z from 'zod';

export const count = (min: number, max: number) => z.int().min(min).max(max);

export const inputs = count(1, 1 << 20).describe('features per example');
export const outputs = count(1, 1 << 16).describe('classes, at least two; labels; or 1 for a number');

export const imageFields = {
  height: count(16, 1024).describe('pixels; at least 16'),
  width: count(16, 1024).describe('pixels; at least 16'),
  channels: count(1, 16).default(1).describe('1 for grey, 3 for colour'),
  outputs,
};
