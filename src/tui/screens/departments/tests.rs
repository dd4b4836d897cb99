//! The tab, its forms and dialogs, by action and reply.
