/** YAML of others on a terminal, which can be read as YAML all the same. */
import { Document, isScalar, Scalar, visit } from 'yaml';
import { escapedSteering, steers } from '../parts/command/output.ts';

/** What would steer a terminal is escaped between quotes: the library does so up to U+001F. */
export function renderYaml(value: unknown): string {
  const document = new Document(value);
  visit(document, {
    Scalar: (_, node) => {
      if (isScalar(node) && typeof node.value === 'string' && steers(node.value))
        node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString().trimEnd().split('\n').map(escapedSteering).join('\n');
}
