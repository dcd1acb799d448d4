"""The functions that keep history, shared by all tracked tables of all schemas, and the anchors."""

import django.db.models.functions.datetime
from django.db import migrations, models

import smartmodels.history.capture
from smartmodels.history import CreateCaptureFunction
from smartmodels.softdelete import CreateParentsFunction


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        CreateCaptureFunction(),
        CreateParentsFunction(),
        migrations.CreateModel(
            name='Anchor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('namespace_id', models.UUIDField(editable=False)),
                ('slug', models.CharField(editable=False, max_length=31)),
                ('position', models.BigIntegerField(editable=False)),
                ('chain', models.BinaryField()),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'abstract': False,
                'constraints': [models.UniqueConstraint(fields=('namespace_id', 'position'), name='operations_one_anchor_per_position'), smartmodels.history.capture.LedgerGuard(name='anchors')],
            },
        ),
    ]
