import * as z from 'zod';
import { BACKEND_CHOICES, BACKEND_DEFAULT } from './backend-choices.ts';

export const backendSchema = z.enum(BACKEND_CHOICES).default(BACKEND_DEFAULT);
