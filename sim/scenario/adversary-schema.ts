/** Dishonest peers: what they do, how many, and since when. */
import * as z from 'zod';

const factor = (text: string, value: number) => z.number().positive().max(1000).default(value).describe(text);

const behaviourSchema = z.discriminatedUnion('id', [
  z.strictObject({
    id: z.literal('sign-flip').describe('the opposite of what training gave'),
    factor: factor('times as much', 1),
  }),
  z.strictObject({
    id: z
      .literal('alie')
      .describe('mean of the honest updates less z standard deviations (Baruch et al. 2019)'),
    z: factor('standard deviations', 1.5),
  }),
  z.strictObject({
    id: z.literal('inner-product').describe('the mean of the honest updates, backwards (Xie et al. 2019)'),
    epsilon: factor('times as much', 0.5),
  }),
  z.strictObject({
    id: z.literal('dissensus').describe('away from the mean of the honest models (He et al. 2022)'),
    factor: factor('times the distance to it', 1),
  }),
  z.strictObject({ id: z.literal('label-flip').describe('trains on labels counted from the other end') }),
  z.strictObject({
    id: z.literal('copycat').describe('publishes the newest update of an honest peer as its own'),
  }),
  z.strictObject({
    id: z.literal('free-rider').describe('does not train'),
    replays: z
      .boolean()
      .default(false)
      .describe('says its first update again and again; nothing where false'),
  }),
  z.strictObject({
    id: z.literal('equivocation').describe('signs a second message of each round, with the signs turned'),
  }),
  z.strictObject({ id: z.literal('withhold').describe('forwards no announcement and answers no request') }),
  z.strictObject({
    id: z.literal('eclipse').describe('as withhold, and the victims are connected to such peers only'),
    victims: z.array(z.int().min(0)).min(1).max(1000).describe('numbers of honest peers'),
  }),
]);
export type BehaviourSpec = z.infer<typeof behaviourSchema>;

export const adversarySchema = z.strictObject({
  behaviour: behaviourSchema,
  share: z.number().min(0).max(1).optional().describe('of the peers, drawn at random'),
  peers: z.array(z.int().min(0)).min(1).max(100_000).optional().describe('in place of share: their numbers'),
  fromRound: z.number().min(0).default(0).describe('honest before: dormant'),
  sybils: z
    .boolean()
    .default(false)
    .describe('all of them are one machine with one share of the data: they train one after another'),
});
export type AdversarySpec = z.infer<typeof adversarySchema>;
