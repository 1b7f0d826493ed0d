/** What a test starts as `starlings`. */
import { join } from 'node:path';
import { isBuilt, root } from '../../scripts/built.ts';

/** As users have it: compiled, it is loaded in half of the processor time. The sources where they are not those it was made from. */
export const entry = join(root, isBuilt() ? 'dist/src/cli/main.js' : 'src/cli/main.ts');
