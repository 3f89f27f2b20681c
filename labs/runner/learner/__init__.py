"""What a learner meets: the work folder, the record, the commands around a lab, the session of one lab."""
