"""Mail: what the user's files say of it (`account`), a letter (`letter`), and the thread that sends it (`mailer`)."""
