import { impossibleCombination, type RunSpec, runSpecSchema } from '../run/run-spec.ts';
import { loadYamlFile } from './yaml-file.ts';

/** Reads the YAML description of a run. @throws ConfigError with file, line and what was expected. */
export function loadRunSpec(file: string): Promise<RunSpec> {
  return loadYamlFile(file, runSpecSchema, impossibleCombination);
}
