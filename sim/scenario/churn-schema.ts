/** Who comes, goes, dies and returns: peer by peer, by a model, or from a trace. */
import * as z from 'zod';

export const churnSchema = z.strictObject({
  peer: z.int().min(0).describe('number of the peer, from 0'),
  joinAtRound: z.number().min(0).optional().describe('starts only then; before round 0 where not given'),
  crashAtRound: z.number().min(0).optional().describe('dies without a word; 7.5 is half-way through round 7'),
  leaveAtRound: z
    .number()
    .min(0)
    .optional()
    .describe('in place of crashAtRound: is stopped, and has up to 2 s for what its strategy has to hand on'),
  vanishes: z
    .boolean()
    .default(false)
    .describe('its machine loses power: nobody closes its connections, they time out'),
  restartAtRound: z.number().min(0).optional().describe('starts again then, with what its store held'),
  diskLost: z.boolean().default(false).describe('starts again with an empty store'),
});

export const noteSchema = z.strictObject({
  peer: z.int().min(0).describe('number of the peer, from 0'),
  atRound: z.number().min(0).describe('its owner writes the note then, if the peer is there'),
  text: z.string().min(1).max(280).describe('what the note says'),
});

export const churnModelSchema = z.strictObject({
  startShare: z.number().min(0).max(1).default(1).describe('of the peers, there from the beginning'),
  joinsPerRound: z.number().min(0).default(0).describe('the others come by a Poisson process of this rate'),
  session: z
    .strictObject({
      meanRounds: z.number().positive().max(1e6).describe('mean length of a stay'),
      shape: z
        .number()
        .min(0.2)
        .max(10)
        .default(0.59)
        .describe(
          'of the Weibull distribution; 0.59: BitTorrent, 0.34: Gnutella (Stutzbach and Rejaie 2006); 1: exponential',
        ),
    })
    .optional()
    .describe('peers leave; they stay for good where not given'),
  absence: z
    .strictObject({ meanRounds: z.number().positive().max(1e6).describe('exponential') })
    .optional()
    .describe('peers that left return; they stay away where not given'),
  vanishShare: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('of the departures: machines that lose power, so that connections time out'),
  leaveShare: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'of the departures: nodes that are stopped, and have up to 2 s for what their strategy has to hand on',
    ),
  diskLossShare: z.number().min(0).max(1).default(0).describe('of the returns: with an empty store'),
  diurnal: z
    .strictObject({
      periodRounds: z.number().positive().describe('rounds of a day'),
      amplitude: z
        .number()
        .min(0)
        .max(1)
        .describe('returns are this much more likely by day and less by night'),
    })
    .optional()
    .describe("returns follow the sun over each peer's longitude"),
  regionalFailures: z
    .array(
      z.strictObject({
        region: z.string(),
        fromRound: z.number().min(0),
        toRound: z.number().min(0).describe('its peers start again'),
      }),
    )
    .max(100)
    .default([])
    .describe('all machines of a region lose power'),
  flashCrowd: z
    .strictObject({
      atRound: z.number().min(0),
      share: z.number().min(0).max(1).describe('of the peers: they come only then'),
      withinRounds: z.number().positive().default(1).describe('all of them in this time'),
    })
    .optional(),
});
export type ChurnModel = z.infer<typeof churnModelSchema>;
