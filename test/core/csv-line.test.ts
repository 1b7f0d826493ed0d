/** Rows of CSV that people open in a spreadsheet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spreadsheetLine } from '../../src/core/csv-line.ts';

test('words of others are no formula of a spreadsheet, and numbers stay numbers', () => {
  const formulas = ['=cmd|calc', '+1+1', '-2+3', '@SUM(A1)', '\t=1', '\r=1', '=\n1'];
  for (const text of formulas) assert.match(spreadsheetLine([text]), /^"?'/, JSON.stringify(text));
  const words = ['-', '+', '-1.5', '+1e3', '1', 'a=b', '', "'=1"];
  for (const text of words) assert.equal(spreadsheetLine([text]), text);
  assert.equal(spreadsheetLine([-3, 'a,b', '=HYPERLINK("x","y")']), `-3,"a,b","'=HYPERLINK(""x"",""y"")"`);
});
