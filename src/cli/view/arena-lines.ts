/** What is said of holders whose scores were counted again. */

/** Who had not all files may have a slow line; a lie cannot be told from it. */
export const lackingText = (lacking: number): string =>
  lacking === 0 ? '' : ` (of ${lacking} submissions it had not the files)`;
