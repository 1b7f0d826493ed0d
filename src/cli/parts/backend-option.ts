import { Option } from 'commander';
import { BACKEND_CHOICES, BACKEND_DEFAULT } from '../../tensor/backend-choices.ts';

export function backendOption(): Option {
  return new Option(
    '--backend <id>',
    'what trains: wasm gives the same bits on every CPU, fast and native do not, auto is native or wasm',
  )
    .choices(BACKEND_CHOICES)
    .default(BACKEND_DEFAULT);
}
