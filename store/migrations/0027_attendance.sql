-- An inclusion zone may be one to be at once in each interval of its schedule, where others are to be stayed in.

ALTER TABLE zone_version
    ADD COLUMN attendance boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT zone_version_attendance_check CHECK (NOT attendance OR (kind = 'inclusion' AND schedule IS NOT NULL));
