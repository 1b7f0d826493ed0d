/** A configuration file or command line that cannot work. The command line ends with exit code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: 'BAD_CONFIG' | 'UNREADABLE_CONFIG' | 'BAD_USAGE';

  /** `sentence` says what is wrong, where, and what to do; it may have one line per problem. */
  constructor(code: ConfigError['code'], sentence: string) {
    super(sentence);
    this.code = code;
  }
}
