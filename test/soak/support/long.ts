/** Imported first by suites that are the same as elsewhere, only longer. */
process.env['SOAK'] = 'yes';
