UNWIND $uids AS uid
MATCH (e:Experiment {uid: uid})
RETURN properties(e) AS experiment
