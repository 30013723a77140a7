"""Every audit entry waits for its seal from the moment it is written; seals are never changed or deleted.

Entries written before this are put in line, and the workers seal them.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION access_await_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO access_auditpending (entry) VALUES (NEW.id);
    RETURN NULL;
END $$;

CREATE FUNCTION access_refuse_unsealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM access_auditseal WHERE entry_id = OLD.entry) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% refused: entry % is not sealed', TG_OP, OLD.entry USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_awaits_seal AFTER INSERT ON access_auditentry
    FOR EACH ROW EXECUTE FUNCTION access_await_seal();
CREATE TRIGGER auditpending_until_sealed BEFORE UPDATE OR DELETE ON access_auditpending
    FOR EACH ROW EXECUTE FUNCTION access_refuse_unsealed();
CREATE TRIGGER auditseal_append_only BEFORE UPDATE OR DELETE ON access_auditseal
    FOR EACH ROW EXECUTE FUNCTION access_refuse_change();
CREATE TRIGGER auditseal_no_truncate BEFORE TRUNCATE ON access_auditseal
    FOR EACH STATEMENT EXECUTE FUNCTION access_refuse_change();

INSERT INTO access_auditpending (entry) SELECT id FROM access_auditentry;
"""

BACKWARD = """
DROP TRIGGER audit_awaits_seal ON access_auditentry;
DROP TRIGGER auditpending_until_sealed ON access_auditpending;
DROP TRIGGER auditseal_append_only ON access_auditseal;
DROP TRIGGER auditseal_no_truncate ON access_auditseal;
DROP FUNCTION access_await_seal();
DROP FUNCTION access_refuse_unsealed();
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0012_audit_chain")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
