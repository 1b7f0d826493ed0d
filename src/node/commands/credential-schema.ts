import * as z from 'zod';
import { credentialPattern } from '../../core/credential-pattern.ts';

export const credentialSchema = z
  .string()
  .regex(credentialPattern, 'is no credential as an invitation holds it: hexadecimal digits')
  .describe('what entitles this node where the run takes who was invited; an invitation holds it');
